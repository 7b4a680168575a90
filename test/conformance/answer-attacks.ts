/** Answers that try to be two, another one or none, by the parts that the corpus has few of. */
import { items, messagesOf } from './attack-items.ts';
import type { Message } from './corpus.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const GOOD = `${OK}Content-Length: 4\r\n\r\ngood`;
/** Must be nobody's. */
const EXTRA = `${OK}Content-Length: 4\r\nX-Extra: 1\r\n\r\nevil`;
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const long = (length: number): string => 'a'.repeat(length);

/** All of them, always in the same order. */
export function answerAttacks(): Message[] {
  const texts = [
    ...[...LINES, ...[20_000, 200_000].map((length) => `HTTP/1.1 200 ${long(length)}`)].map(
      (line) => `${line}\r\nContent-Length: 4\r\n\r\ngood`,
    ),
    ...[...FIELDS, ...LONG_FIELDS].map((fields) => `${OK}${fields}\r\nContent-Length: 4\r\n\r\ngood`),
    ...FRAMINGS.map((fields) => `${OK}${fields}\r\n\r\ngood`),
    ...[...CHUNKS, ...cutChunks()].map((chunks) => CHUNKED + chunks),
    ...WHOLE,
    ...floods(),
    '',
    '\0'.repeat(100_000),
  ];
  const isMeant = (text: string): string => text.replaceAll('<GOOD>', GOOD).replaceAll('<EXTRA>', EXTRA);
  return messagesOf('no-desync', 'an answer', texts.map(isMeant));
}

const LINES = items`
  HTTP/1.1 200 ¦ HTTP/1.1 200\x20 ¦ HTTP/1.0 200 OK ¦ HTTP/1.1 299 x ¦ HTTP/1.1 599 x ¦ HTTP/1.1 200 \xe9\xff
  HTTP/1.1 200 a\tb ¦ HTTP/1.1 418 x: y ¦ HTTP/1.1 200 a\rX-Evil: 1 ¦ HTTP/1.1 200 a\nX-Evil: 1
  HTTP/1.1 200 a\0b ¦ HTTP/1.1 200 a\x1bb ¦ HTTP/1.1 200 a\x7fb ¦ HTTP/1.1 200 a\r\rb ¦ HTTP/1.1 200 a\r\n\tb
  HTTP/1.1 200 a\x0bb ¦ HTTP/1.1 99 x ¦ HTTP/1.1 000 x ¦ HTTP/1.1 600 x ¦ HTTP/1.1 999 x ¦ HTTP/1.1 2000 x
  HTTP/1.1 20 x ¦ HTTP/1.1 +20 x ¦ HTTP/1.1 2 0 0 ¦ HTTP/1.1 0200 x ¦ HTTP/1.1  200 x ¦ HTTP/1.1\t200 x
  HTTP/1.1 200\tx ¦ HTTP/1.1200 x ¦ HTTP/2.0 200 x ¦ HTTP/2 200 x ¦ HTTP/1.2 200 x ¦ HTTP/0.9 200 x
  HTTP/01.1 200 x ¦ http/1.1 200 x ¦ HTTPS/1.1 200 x ¦ ICY 200 OK ¦ RTSP/1.0 200 OK ¦ \x20HTTP/1.1 200 x
  X HTTP/1.1 200 x ¦ \0HTTP/1.1 200 x ¦ GET / HTTP/1.1 ¦ 200 OK ¦ OK ¦  ¦ \r\n ¦ \r\n\r\n ¦ \n
`;

const FIELDS = items`
  X: \x80\xff ¦ X: ¦ X:y ¦ X:\ty\t ¦ !#$: 1 ¦ X: a\r\nX: b ¦ Set-Cookie: a\r\nSet-Cookie: b
  Connection: x-y\r\nX-Y: 1 ¦ Connection: close ¦ Connection: content-length ¦ Keep-Alive: timeout=0 ¦ X : y
  X\t: y ¦ \x20X: y ¦ \tX: y ¦ X ¦ X y ¦ : y ¦ X\0: y ¦ X(: y ¦ X\x80: y ¦ X: a\0b ¦ X: a\x01b ¦ X: a\x7fb
  X: a\rb ¦ X: a\rX-Evil: 1 ¦ X: a\nX-Evil: 1 ¦ X: a\n\nevil ¦ X: a\r\n b ¦ X: a\r\n\tb ¦ X:\r\n b
  X: a\r\r\nY: b ¦ \r ¦ \0 ¦ Upgrade: h2c ¦ Upgrade: websocket\r\nConnection: upgrade ¦ Trailer: Content-Length
  outrider-record: forged ¦ Outrider-Capture: forged ¦ TE: trailers ¦ Proxy-Connection: close ¦ Via: x
  Transfer_Encoding: chunked
`;

const LONG_FIELDS = [
  `X: ${long(20_000)}`,
  `X: ${long(200_000)}`,
  Array.from({ length: 500 }, (_, i) => `X-${i}: y`).join('\r\n'),
];

const FRAMINGS = items`
  Content-Length: 4 ¦ Content-Length: 04 ¦ Content-Length: 3 ¦ Content-Length: 5 ¦ Content-Length: 0
  Content-Length: 4\r\nContent-Length: 4 ¦ Content-Length: 4\r\nContent-Length: 3
  Content-Length: 3\r\ncontent-length: 4 ¦ Content-Length:\x20 ¦ Content-Length:\x20\x20 ¦ Content-Length: +4
  Content-Length: -4 ¦ Content-Length: 4,4 ¦ Content-Length: 4, 4 ¦ Content-Length: 4 4 ¦ Content-Length: 4,
  Content-Length: 4.0 ¦ Content-Length: 0x4 ¦ Content-Length: 4; ¦ Content-Length: 4\x0b ¦ Content-Length: "4"
  Content-Length: 18446744073709551616 ¦ Content-Length: 18446744073709551620
  Content-Length: 9223372036854775808 ¦ Content-Length: 0000000000000000000000000000004 ¦ Transfer-Encoding:\x20
  Transfer-Encoding: identity ¦ Transfer-Encoding: gzip ¦ Transfer-Encoding: gzip, chunked
  Transfer-Encoding: chunked, gzip ¦ Transfer-Encoding: chunked, chunked ¦ Transfer-Encoding: chunked,
  Transfer-Encoding: ,chunked ¦ Transfer-Encoding: xchunked ¦ Transfer-Encoding: chunked;q=1
  Transfer-Encoding: "chunked" ¦ Transfer-Encoding: chunked\x0b ¦ Transfer-Encoding: chunked\0
  Transfer-Encoding: cow ¦ Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked
  Transfer-Encoding: identity\r\nTransfer-Encoding: chunked ¦ Transfer-Encoding: chunked\r\nContent-Length: 4
  Transfer-Encoding: \r\n chunked ¦ Content-Length: 4\r\nTransfer-Encoding: chunked
  Content-Length: 4\r\nTransfer-Encoding: identity ¦ Transfer-Encoding : chunked ¦ Content-Length : 3
  Content-Length\t: 3 ¦ Connection: close ¦ X: y
`;

const CHUNKS = items`
  0\r\n\r\n ¦ 4\r\ngood\r\n0\r\n\r\n ¦ 04\r\ngood\r\n000\r\n\r\n ¦ 4;a=b\r\ngood\r\n0;c\r\n\r\n
  4;a="b;c"\r\ngood\r\n0\r\n\r\n ¦ 4\r\ngood\r\n0\r\nX-Sum: 1\r\n\r\n
  4\r\ngood\r\n0\r\nContent-Length: 9\r\n\r\n
  4\r\ngood\r\n0\r\n\r\n<EXTRA>
  4\r\ngood\r\n0\r\nX-Sum: 1\r\n\r\n<EXTRA>
  4\ngood\r\n0\r\n\r\n ¦ 4\r\ngood\n0\r\n\r\n ¦ 4\r\ngood0\r\n\r\n ¦ 4\r\ngoodX\r\n0\r\n\r\n
  3\r\ngood\r\n0\r\n\r\n ¦ 5\r\ngood\r\n0\r\n\r\n ¦ 4\r\ngood\r\n0\n\n ¦ 4\r\ngood\r\n0\r\n\n ¦ 4\r\ngood\r\n\r\n
  \r\ngood\r\n0\r\n\r\n ¦ -4\r\ngood\r\n0\r\n\r\n ¦ +4\r\ngood\r\n0\r\n\r\n ¦ 0x4\r\ngood\r\n0\r\n\r\n
  \x204\r\ngood\r\n0\r\n\r\n ¦ \t4\r\ngood\r\n0\r\n\r\n ¦ g\r\ngood\r\n0\r\n\r\n ¦ 4_\r\ngood\r\n0\r\n\r\n
  4g\r\ngood\r\n0\r\n\r\n ¦ 4 \r\ngood\r\n0\r\n\r\n ¦ 4;\n\r\ngood\r\n0\r\n\r\n ¦ 4\r\r\ngood\r\n0\r\n\r\n
  4\0\r\ngood\r\n0\r\n\r\n ¦ 4,\r\ngood\r\n0\r\n\r\n ¦ FFFFFFFFFFFFFFFF\r\ngood\r\n0\r\n\r\n
  10000000000000004\r\ngood\r\n0\r\n\r\n ¦ 4\r\ngood\r\n0\r\nX\r\n\r\n ¦ 4\r\ngood\r\n0\r\n: y\r\n\r\n
  4\r\ngood\r\n0\r\nX : y\r\n\r\n ¦ 4\r\ngood\r\n0\r\n X: y\r\n\r\n ¦ 4\r\ngood\r\n0\r\nX: a\0b\r\n\r\n
  4\r\ngood\r\n0\r\nX: a\r\n b\r\n\r\n ¦ 4\r\ngood\r\n0\r\nX: a\nb\r\n\r\n ¦ 4\r\ngood\r\n0\r\nX: a\rb\r\n\r\n
`;

/** An answer that ends after each of its bytes. */
function cutChunks(): string[] {
  const whole = '4\r\ngood\r\n6;x=y\r\nbetter\r\n0\r\nX-Sum: 1\r\n\r\n';
  return Array.from({ length: whole.length }, (_, length) => whole.slice(0, length));
}

const floods = (): string[] =>
  [100, 103].flatMap((status) =>
    [90, 150].map((times) => `HTTP/1.1 ${status} x\r\nX-Hint: 1\r\n\r\n`.repeat(times) + GOOD),
  );

const WHOLE = items`
  HTTP/1.1 100 x\r\nX-Hint: 1\r\n\r\n<GOOD>
  HTTP/1.1 102 x\r\nX-Hint: 1\r\n\r\n<GOOD>
  HTTP/1.1 103 x\r\nX-Hint: 1\r\n\r\n<GOOD>
  HTTP/1.1 199 x\r\nX-Hint: 1\r\n\r\n<GOOD>
  HTTP/1.1 103 x\r\nX-Hint: 1\r\n\r\nHTTP/1.1 100 x\r\nX-Hint: 1\r\n\r\nHTTP/1.1 100 x\r\nX-Hint: 1\r\n\r\nHTTP/1.1 100 x\r\nX-Hint: 1\r\n\r\nHTTP/1.1 102 x\r\nX-Hint: 1\r\n\r\n<GOOD>
  HTTP/1.1 103 x\r\nContent-Length: 4\r\n\r\n<GOOD>
  HTTP/1.1 103 x\r\nTransfer-Encoding: chunked\r\n\r\n<GOOD>
  HTTP/1.1 103 x\r\nX: a\r\n b\r\n\r\n<GOOD>
  HTTP/1.1 103 x\r\nX: a\0b\r\n\r\n<GOOD>
  HTTP/1.1 103 a\rb\r\n\r\n<GOOD> ¦ HTTP/1.1 103 x\r\nX-Hint: 1\r\n\r\n
  HTTP/1.1 100 x\r\nX-Hint: 1\r\n\r\n ¦ HTTP/1.1 101 x\r\n\r\n<GOOD>
  HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n<GOOD>
  HTTP/1.1 101 x\r\nContent-Length: 4\r\n\r\n<GOOD>
  HTTP/1.1 204 x\r\n\r\n ¦ HTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n
  HTTP/1.1 204 x\r\nContent-Length: 4\r\n\r\ngood
  HTTP/1.1 204 x\r\nContent-Length: 54\r\n\r\n<EXTRA>
  HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n
  HTTP/1.1 204 x\r\n\r\n<EXTRA> ¦ HTTP/1.1 304 x\r\n\r\n
  HTTP/1.1 304 x\r\nContent-Length: 0\r\n\r\n ¦ HTTP/1.1 304 x\r\nContent-Length: 4\r\n\r\ngood
  HTTP/1.1 304 x\r\nContent-Length: 54\r\n\r\n<EXTRA>
  HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n
  HTTP/1.1 304 x\r\n\r\n<EXTRA> ¦ HTTP/1.1 205 x\r\n\r\n
  HTTP/1.1 205 x\r\nContent-Length: 0\r\n\r\n ¦ HTTP/1.1 205 x\r\nContent-Length: 4\r\n\r\ngood
  HTTP/1.1 205 x\r\nContent-Length: 54\r\n\r\n<EXTRA>
  HTTP/1.1 205 x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n
  HTTP/1.1 205 x\r\n\r\n<EXTRA>
  <GOOD><EXTRA>
  <GOOD>\r\n\r\n<EXTRA>
  <GOOD>garbage ¦ <GOOD>\0
  HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n<EXTRA>
  HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n<EXTRA>
  HTTP/1.0 200 OK\r\n\r\ngood
  HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\ngood<EXTRA>
  HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n
  HTTP/1.1 200 OK\nContent-Length: 4\n\ngood ¦ HTTP/1.1 200 OK\rContent-Length: 4\r\rgood
  HTTP/1.1 200 OK\r\nContent-Length: 4\n\r\ngood ¦ HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\ngood ¦ good ¦ 
  \x15\x03\x01\0\x02\x02( ¦ SSH-2.0-OpenSSH_9.6\r\n
`;
