/**
 * Requests that try to be two messages, or another one, by the parts that the corpus has few of: request lines, hosts,
 * forms of the target, other protocols, sizes. What each must come to is the RFC's word, not a parser's.
 */
import { BEHIND, HOST, items, messagesOf } from './attack-items.ts';
import type { Enforce, Message } from './corpus.ts';

const GET = `GET / HTTP/1.1\r\n`;
const POST = `POST /f HTTP/1.1\r\n${HOST}`;
const CHUNKED = `POST /c HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;

/** All of them, always in the same order. */
export function attacks(): Message[] {
  return [
    ...lines('must-reject', 'no request line', [...REFUSED_LINES, ...LONG_LINES]),
    ...lines('no-desync', 'an odd request line', ODD_LINES),
    ...lines('no-desync', 'a byte in a request line', bytesInLines(), BEHIND),
    ...lines('should-accept', 'a target', [...PATHS, ...TARGETS].map(asLine)),
    ...lines('must-reject', 'no target', REFUSED_TARGETS.map(asLine)),
    ...messagesOf('must-reject', 'no Host', [...REFUSED_HOSTS, long(40_000)].map(asHost)),
    ...messagesOf('should-accept', 'a Host', HOSTS.map(asHost)),
    ...messagesOf('must-reject', 'no field', [...REFUSED_FIELDS, ...LONG_FIELDS].map(asFields)),
    ...messagesOf('should-accept', 'a field', [...FIELDS, `Cookie: ${long(30_000)}`].map(asFields)),
    ...messagesOf('must-reject', 'no framing', refusedFramings()),
    ...messagesOf('should-accept', 'a framing', framings()),
    ...messagesOf('must-reject', 'no chunks', refusedChunks()),
    ...messagesOf('should-accept', 'chunks', CHUNKS.map(asChunks)),
    ...messagesOf('must-reject', 'no request', REFUSED),
    ...messagesOf('no-desync', 'several, or another protocol', [...OTHERS, ...FAULTS_BEHIND_H2C, ...LONG_OTHERS]),
  ];
}

const lines = (enforce: Enforce, title: string, texts: readonly string[], behind = ''): Message[] =>
  messagesOf(
    enforce,
    title,
    texts.map((line) => `${line}\r\n${HOST}\r\n${behind}`),
  );

const asLine = (target: string): string => `GET ${target} HTTP/1.1`;
const asHost = (host: string): string => `${GET}Host: ${host}\r\n\r\n`;
const asFields = (fields: string): string => `${GET}${HOST}${fields}\r\n\r\n`;
const asChunks = (chunks: string): string => CHUNKED + chunks;
const long = (length: number): string => 'a'.repeat(length);

const REFUSED_LINES = items`
  GET / ¦ GET /\x20 ¦ GET ¦ GET HTTP/1.1 ¦ / HTTP/1.1 ¦ \x20/ HTTP/1.1 ¦ HTTP/1.1 200 OK ¦ GET / HTTP/1.1 HTTP/1.1
  GET / http/1.1 ¦ GET / HTTP/0.9 ¦ GET / HTTP/1.2 ¦ GET / HTTP/2.0 ¦ GET / HTTP/3 ¦ GET / HTTP/1 ¦ GET / HTTP/1.
  GET / HTTP/.1 ¦ GET / HTTP/01.1 ¦ GET / HTTP/1.01 ¦ GET / HTTP/1.1.1 ¦ GET / HTTP/+1.1 ¦ GET / HTTP/1,1
  GET / HTTP/1.1a ¦ GET / HTTP/a.b ¦ GET / HTTP/ 1.1 ¦ GET / HTTP /1.1 ¦ GET / HTTP\\1.1 ¦ GET / HTTPS/1.1
  GET / XTTP/1.1 ¦ GET / ICY/1.0 ¦ GET / SHTTP/1.3 ¦ GET / HTTP/1.\xb2 ¦ GET / HTTP/11 ¦ GET / HTTP/1.1;x
  GET / HTTP/4294967297.1 ¦ get / HTTP/1.1 ¦ Get / HTTP/1.1 ¦ GETT / HTTP/1.1 ¦ G / HTTP/1.1 ¦ G\x80T / HTTP/1.1
  "GET" / HTTP/1.1 ¦ G(T / HTTP/1.1 ¦ G,T / HTTP/1.1 ¦ GET, / HTTP/1.1 ¦ GET; / HTTP/1.1 ¦ GET/ / HTTP/1.1
  POST: / HTTP/1.1 ¦ BREW / HTTP/1.1 ¦ \x16\x03\x01 / HTTP/1.1 ¦ ANNOUNCE / HTTP/1.1 ¦ DESCRIBE / HTTP/1.1
  SETUP / HTTP/1.1 ¦ PLAY / HTTP/1.1 ¦ PRI / HTTP/1.1
`;

const LONG_LINES = [
  `${long(20_000)} / HTTP/1.1`,
  `GET /${long(20_000)} HTTP/1.1`,
  `GET http://a.test/${long(20_000)} HTTP/1.1`,
];

const ODD_LINES = items`
  GET  / HTTP/1.1 ¦ GET /  HTTP/1.1 ¦ GET / HTTP/1.1\x20 ¦ \r\n\r\nGET / HTTP/1.1 ¦ \nGET / HTTP/1.1
`;

/** `@` is where the bytes go in. */
const PLACES = items`
  @GET /p HTTP/1.1 ¦ G@ET /p HTTP/1.1 ¦ GET@ /p HTTP/1.1 ¦ GET @/p HTTP/1.1 ¦ GET /@p HTTP/1.1 ¦ GET /p@ HTTP/1.1
  GET /p @HTTP/1.1 ¦ GET /p HT@TP/1.1 ¦ GET /p HTTP@/1.1 ¦ GET /p HTTP/@1.1 ¦ GET /p HTTP/1@.1 ¦ GET /p HTTP/1.@1
  GET /p HTTP/1.1@ ¦ GET http@://b.test/ HTTP/1.1 ¦ GET http://b.@test/ HTTP/1.1 ¦ GET http://b.test@/ HTTP/1.1
  GET http://b.test:8@0/ HTTP/1.1
`;

const ODD_BYTES = items`
  \0 ¦ \r ¦ \n ¦ \r\n ¦ \n\n ¦ \n\r ¦ \r\r\n ¦ \r\n\x20 ¦ \t ¦ \x20 ¦ \x0b ¦ \x0c ¦ \x1b ¦ \x7f ¦ \x85 ¦ \xa0 ¦ # ¦ \\
`;

const bytesInLines = (): string[] =>
  PLACES.flatMap((place) => ODD_BYTES.map((bytes) => place.replace('@', () => bytes)));

/** They go on as they are. */
const PATHS = items`
  /% ¦ /%2 ¦ /%zz ¦ /%00 ¦ /%2e%2e/ ¦ /..%2f ¦ /%2f.. ¦ /%5c ¦ /%c0%ae ¦ /%u002e ¦ /%0d%0aX:%20y ¦ /%25%30%30
  /;a=b ¦ /./ ¦ /../ ¦ // ¦ //b.test/x ¦ /\\..\\ ¦ /http://b.test/ ¦ /? ¦ /?? ¦ /?a=/../ ¦ /:80 ¦ /@b.test ¦ /"
  /<> ¦ /{} ¦ /| ¦ /^\x60 ¦ /' ¦ /~ ¦ /* ¦ /, ¦ /ab%20cd ¦ /%ff%fe ¦ /+ ¦ /%09 ¦ /. ¦ /..;/ ¦ /a/b/../../..
`;

const TARGETS = items`
  http://b.test/ ¦ http://b.test ¦ http://b.test?x=1 ¦ HTTP://B.TEST/x ¦ https://b.test/x ¦ http://b.test:80/x
  http://b.test:/x ¦ http://b.test:65535/x ¦ http://[::1]/x ¦ http://[::ffff:127.0.0.1]:80/ ¦ http://127.0.0.1/
  http://b.test./ ¦ http://b.test//x ¦ http://b.test/../x ¦ http://b.test/?u=http://c.test/ ¦ http://%62.test/
`;

const REFUSED_TARGETS = items`
  http:// ¦ http:///x ¦ http://?x ¦ http://a:b@c.test/ ¦ http://a@c.test/ ¦ http://@c.test/ ¦ http://b.test:99999/
  http://b.test:65536/ ¦ http://b.test:-1/ ¦ http://b.test:8o/ ¦ http://b.test:80:80/ ¦ http://b.test:+80/
  http://:80/ ¦ http://[::1/ ¦ http://::1/ ¦ http://[::1]x/ ¦ http://[fe80::1%25lo]/ ¦ http://[fe80::1%lo]/
  http://[:::]/ ¦ http://[1.2.3]/ ¦ http://[]/ ¦ http://[::g]/ ¦ http://b.test#f ¦ http://b.test/#f ¦ /#f ¦ #
  ftp://b.test/ ¦ file:///etc/passwd ¦ http:/b.test/ ¦ http:b.test ¦ http//b.test/ ¦ ws://b.test/ ¦ javascript:x
  unix:/x ¦ b.test ¦ b.test:80 ¦ ?x ¦ * ¦ */x ¦ ** ¦ . ¦ .. ¦ \\ ¦ x/y ¦ %2f ¦ - ¦ @ ¦ : ¦ http://b\\c.test/
  http://b.test\\@c.test/ ¦ http://b"c.test/ ¦ http://b<c.test/ ¦ http://b.test/\x80 ¦ /\x80 ¦ /\xc3\xa9 ¦ /\x7f
  /a b ¦ http://b c.test/ ¦ http://b.test/ x ¦ http://b%zz.test/ ¦ http://b%.test/ ¦ http://b|c/ ¦ http://b^c/
  http://{b}/ ¦ http://b\x60c/ ¦ http://b.test%00/ ¦ http://%0d%0ab.test/
`;

const HOSTS = items`
  b.test ¦ B.TEST ¦ b.test:80 ¦ b.test: ¦ b.test:65535 ¦ [::1] ¦ [::1]:80 ¦ 127.0.0.1:5000 ¦ b_c ¦ b- ¦ b.
  %62.test ¦ b!$&'()*+,;=c
`;

const REFUSED_HOSTS = items`
  a@b ¦ a:b@c ¦ a/b ¦ / ¦ a?b ¦ a#b ¦ a b ¦ a\tb ¦ a:80:80 ¦ a:+80 ¦ a: 80 ¦ a :80 ¦ a:8o ¦ :80 ¦ : ¦ a:99999
  a:65536 ¦ [::1 ¦ ::1 ¦ [::1]x ¦ [::1%lo] ¦ [::1%25lo] ¦ [:::] ¦ [1.2.3] ¦ [] ¦ [::g] ¦ [v1.x] ¦ [[::1]]
  [::1]:99999 ¦ http://a ¦ //a ¦ a\\b ¦ a% ¦ a%0 ¦ a%zz ¦ a%00b ¦ a%0d%0ab ¦ \xc3\xa9 ¦ "a" ¦ <a> ¦ a|b ¦ a^b
  a\x60b ¦ {a} ¦ a\0b ¦ a\x7fb ¦ a\x0bb ¦ a\r\n b ¦ a\r\nHost: a ¦ a\r\nHost: b ¦ a\r\nhost: a ¦ a\r\nHOST:
  \r\nHost: ¦ a\nHost: b ¦ a\rHost: b
`;

const FIELDS = items`
  Expect: 100-continue ¦ Expect: 100-Continue ¦ TE: trailers, deflate;q=0.5 ¦ Keep-Alive: timeout=0, max=-1
  Proxy-Connection: close ¦ Connection: keep-alive, , , ¦ Connection: upgrade ¦ Connection: x-a\r\nX-A: 1
  Connection: x-a\t,\tx-b ¦ Trailer: Content-Length ¦ X: ¦ X:\x20 ¦ X:\ta\t ¦ X: \x80\xff ¦ !#$%&'*+-.^_\x60|~: 1
  Transfer_Encoding: chunked ¦ Content_Length: 9 ¦ Content-Length-: 9 ¦ X-Transfer-Encoding: chunked
  Content-Length: 0 ¦ Content-Length: 000 ¦ X:
  Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__
  Upgrade: \r\nConnection: upgrade ¦ Upgrade: , ¦ Forwarded: for=1 ¦ X-HTTP-Method-Override: DELETE
  X-Original-URL: /x ¦ Cookie: a\r\nCookie: b ¦ Range: bytes=0- ¦ Max-Forwards: x
`;

const REFUSED_FIELDS = items`
  Expect: x ¦ Expect: 100-continue, x ¦ Expect: 200-ok ¦ Connection: close, content-length
  Connection: transfer-encoding ¦ Connection: host ¦ Connection: authorization ¦ Connection: outrider-record
  Connection: cookie,close ¦ Connection: via ¦ : x ¦ \x20X: y ¦ \tX: y ¦ X ¦ X y ¦ X : y ¦ X\t: y ¦ X\x0b: y
  X\0: y ¦ X\x80: y ¦ "X": y ¦ X(: y ¦ X,Y: z ¦ X/Y: z ¦ X@: y ¦ X[0]: y ¦ X: a\0b ¦ X: a\x01b ¦ X: a\x1bb
  X: a\x7fb ¦ X: a\rb ¦ X: a\nb: c ¦ X: a\n\n ¦ X: a\r\n b ¦ X: a\r\n\tb ¦ X: a\r\n \r\n ¦ X:\r\n y
  X: a\r\r\nY: b ¦ \r ¦ \0 ¦ X: y\r\n\n ¦ X: y\n\r ¦ \x20 ¦ \t ¦ \x20\r\nX: y ¦ HTTP/1.1 200 OK ¦ GET / HTTP/1.1
`;

const LONG_FIELDS = [
  `X: ${long(40_000)}`,
  `${long(40_000)}: x`,
  Array.from({ length: 101 }, (_, i) => `X-${i}: y`).join('\r\n'),
  `${'X: y\r\n'.repeat(4000)}X: y`,
];

const LENGTHS = items`
  \x20 ¦ +5 ¦ -5 ¦ 5.0 ¦ 5e0 ¦ 0x5 ¦ 5 5 ¦ 5,5 ¦ 5, 5 ¦ 5, ¦ ,5 ¦ 5; ¦ 5\x0b ¦ "5" ¦ 5 bytes ¦ 5\x80 ¦ \xb25 ¦ 5\0
  0,5 ¦ 5_0 ¦ 5h ¦ 18446744073709551616 ¦ 18446744073709551621 ¦ 9223372036854775808 ¦ 4294967301,5
  0000000000000000000000000000005
  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  5\r\nContent-Length: 5 ¦ 5\r\nContent-Length: 6 ¦ 5\r\ncontent-length: 5 ¦ 5\r\nContent-Length:
  5\r\nTransfer-Encoding: chunked ¦ 5\r\nTransfer-Encoding: identity ¦ 5\r\n 0
`;

const CODINGS = items`
  \x20 ¦ identity ¦ gzip ¦ deflate, chunked ¦ x-gzip, chunked ¦ chunked, chunked ¦ chunked, identity ¦ chunked,
  ,chunked ¦ chunked;q=1 ¦ chunked; ¦ "chunked" ¦ chunked chunked ¦ xchunked ¦ chunkedx ¦ chunk\0ed ¦ chunked\0
  chunked\x0b ¦ \x0bchunked ¦ chunked\x80 ¦ chun\tked ¦ trailers, chunked ¦ cow ¦ [chunked] ¦ chunked/1
  chunked\r\nTransfer-Encoding: chunked ¦ chunked\r\nTransfer-Encoding: identity ¦ x\r\nTransfer-Encoding: chunked
  chunked\r\nContent-Length: 5 ¦ \r\n chunked ¦ chunked\r\n x
`;

const METHODS = items`POST ¦ GET ¦ HEAD ¦ DELETE ¦ OPTIONS`;

const END = `\r\n\r\n0\r\n\r\n${BEHIND}`;

/** Each with a body that is one, or none and a request, whichever way it is read. */
const refusedFramings = (): string[] => [
  ...[...LENGTHS, '', `5${'0'.repeat(400)}`].map((value) => `${POST}Content-Length: ${value}\r\n\r\nhello${BEHIND}`),
  ...[...CODINGS, ''].map((value) => `${POST}Transfer-Encoding: ${value}${END}`),
  ...METHODS.map((method) => `${method} /f HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked${END}`),
  ...['\t', ' '].map((space) => `${POST}Transfer-Encoding${space}: chunked${END}`),
];

const framings = (): string[] => [
  ...METHODS.map(
    (method) => `${method} /f HTTP/1.1\r\n${HOST}Content-Length: ${BEHIND.length}\r\n\r\n${BEHIND}${BEHIND}`,
  ),
  ...METHODS.map((method) => `${method} /f HTTP/1.1\r\n${HOST}Transfer-Encoding: CHUNKED${END}`),
  ...['\tchunked', 'chunked  ', 'Chunked'].map((value) => `${POST}Transfer-Encoding:${value}${END}`),
  ...['05', '\t5', '5\t', '000000000000005'].map((value) => `${POST}Content-Length:${value}\r\n\r\nhello${BEHIND}`),
  `${POST}Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello${BEHIND}`,
  `${POST}${H2C}Content-Length: 5\r\n\r\nhello${BEHIND}`,
  `${POST}${H2C}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n${BEHIND}`,
];

const CHUNKS = items`
  0\r\n\r\n ¦ 5\r\nhello\r\n0\r\n\r\n ¦ 5;a\r\nhello\r\n0;b=c\r\n\r\n ¦ 5;a="b;c"\r\nhello\r\n0\r\n\r\n
  00005\r\nhello\r\n000\r\n\r\n ¦ 0\r\nX: y\r\n\r\n ¦ a\r\n0123456789\r\n0\r\n\r\n ¦ A\r\n0123456789\r\n0\r\n\r\n
`;

/** In place of the `5` of a chunk, with what is behind it in its line. */
const REFUSED_SIZES = items`
  5; ¦ 5;a="b ¦ 5;a="\x01" ¦ 5;a\nb ¦ 5;a\rb ¦ 5;\n ¦ 5;a=b\n ¦ 5;\0 ¦ 5;a b ¦ 5;a=b c ¦ 5;; ¦ 5;a; ¦ 5,a ¦ 5:a
  5=a ¦ 5 a ¦ 5\ta ¦ 5\n ¦ 5\r ¦ 5\r\r ¦ 5\0 ¦ 5x ¦ 5.0 ¦ 5h ¦ 5;a=\xff ¦ 5;\x7f ¦ 5;a=b=c ¦ 5;a/b ¦ \x20 ¦ -1
  +5 ¦ 0x5 ¦ \x205 ¦ \t5 ¦ \n5 ¦ \r\n5 ¦ g ¦ _5 ¦ 5_ ¦ 1_0 ¦ FFFFFFFFFFFFFFFF ¦ 10000000000000005 ¦ 4 ¦ 6
`;

const REFUSED_ENDS = items`
  5\r\nhello0\r\n\r\n ¦ 5\r\nhello\n0\r\n\r\n ¦ 5\r\nhello\r0\r\n\r\n ¦ 5\r\nhelloX\r\n0\r\n\r\n
  5\r\nhello\r\n0\n\n ¦ 5\r\nhello\r\n0\r\n\n ¦ 5\nhello\r\n0\r\n\r\n
`;

const REFUSED_TRAILERS = items`
  Host: b ¦ Content-Length: 5 ¦ Transfer-Encoding: chunked ¦ Connection: close ¦ Authorization: x ¦ Cookie: a=b
  X ¦ : y ¦ X : y ¦ \x20X: y ¦ X: a\0b ¦ X: a\r\n b ¦ X: a\nb ¦ X: a\rb
`;

const refusedChunks = (): string[] => [
  ...[...REFUSED_SIZES, '', `5;${long(20_000)}`].map((size) => `${CHUNKED}${size}\r\nhello\r\n0\r\n\r\n${BEHIND}`),
  ...REFUSED_ENDS.map((chunks) => CHUNKED + chunks + BEHIND),
  ...[...REFUSED_TRAILERS, `X: ${long(60_000)}`].map(
    (trailer) => `${CHUNKED}5\r\nhello\r\n0\r\n${trailer}\r\n\r\n${BEHIND}`,
  ),
];

const REFUSED = items`
  CONNECT b.test:443 HTTP/1.1\r\n<HOST>\r\n<BEHIND>
  CONNECT b.test:443 HTTP/1.1\r\n<HOST>Content-Length: 5\r\n\r\nhello<BEHIND>
  CONNECT b.test:443 HTTP/1.1\r\n<HOST>Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n<BEHIND>
  CONNECT / HTTP/1.1\r\n<HOST>\r\n<BEHIND> ¦ CONNECT b.test HTTP/1.1\r\n<HOST>\r\n<BEHIND>
  CONNECT http://b.test/ HTTP/1.1\r\n<HOST>\r\n<BEHIND> ¦ CONNECT * HTTP/1.1\r\n<HOST>\r\n<BEHIND>
  CONNECT :443 HTTP/1.1\r\n<HOST>\r\n<BEHIND> ¦ CONNECT b.test:99999 HTTP/1.1\r\n<HOST>\r\n<BEHIND>
  CONNECT a@b.test:443 HTTP/1.1\r\n<HOST>\r\n<BEHIND> ¦ PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0
  \0\0\0\x04\0\0\0\0\0 ¦ \x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03 ¦ SSH-2.0-OpenSSH_9.6\r\n ¦ EHLO a.test\r\n
  *1\r\n$4\r\nPING\r\n ¦ \x04\x01\0P\x7f\0\0\x01\0
  PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\nGET / HTTP/1.1\r\n<HOST>\r\n ¦ {"method":"GET"}\r\n\r\n
  \xef\xbb\xbfGET / HTTP/1.1\r\n<HOST>\r\n ¦ GET / HTTP/1.1\r\n\r\n<BEHIND>
  GET / HTTP/1.1\nHost: a.test\n\n<BEHIND> ¦ GET / HTTP/1.1\rHost: a.test\r\r<BEHIND>
  POST / HTTP/1.1\r\n<HOST>Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 40\r\n\r\n<BEHIND>
  POST / HTTP/1.1\r\n<HOST>Connection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n<BEHIND>
`;

const OTHERS = items`
  <BEHIND><BEHIND><BEHIND> ¦ <BEHIND>garbage\r\n\r\n ¦ POST /1 HTTP/1.1\r\n<HOST>\r\n<BEHIND>
  POST /1 HTTP/1.1\r\n<HOST>Content-Length: 5\r\n\r\nhel
  POST /1 HTTP/1.1\r\n<HOST>Content-Length: 5\r\n\r\nhello\r\n\r\n<BEHIND>
  POST /1 HTTP/1.1\r\n<HOST>Content-Length: 5\r\n\r\nhelloX<BEHIND>
  POST /1 HTTP/1.1\r\n<HOST>Connection: close\r\nContent-Length: 5\r\n\r\nhello<BEHIND>
  POST /1 HTTP/1.1\r\n<HOST>Expect: 100-continue\r\nContent-Length: 40\r\n\r\n<BEHIND><BEHIND>
  POST /1 HTTP/1.0\r\n\r\n<BEHIND>
  POST /1 HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello<BEHIND>
  GET /1 HTTP/1.0\r\nExpect: 100-continue\r\n\r\n<BEHIND> ¦ OPTIONS * HTTP/1.1\r\n<HOST>\r\n<BEHIND>
  OPTIONS * HTTP/1.1\r\n<HOST>Content-Length: 5\r\n\r\nhello<BEHIND>
  OPTIONS http://b.test HTTP/1.1\r\n<HOST>\r\n<BEHIND> ¦ TRACE / HTTP/1.1\r\n<HOST>Max-Forwards: 0\r\n\r\n<BEHIND>
  TRACE / HTTP/1.1\r\n<HOST>Max-Forwards: 0\r\nContent-Length: 40\r\n\r\n<BEHIND>
  HEAD / HTTP/1.1\r\n<HOST>\r\nHEAD / HTTP/1.1\r\n<HOST>\r\n<BEHIND>
  HEAD / HTTP/1.1\r\n<HOST>Connection: keep-alive, close\r\n\r\n<BEHIND>
  GET / HTTP/1.1\r\n<HOST>Connection: upgrade\r\nUpgrade: websocket\r\n\r\n<BEHIND>
  GET / HTTP/1.1\r\n<HOST>Connection: upgrade\r\nUpgrade: h2c\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n
  GET / HTTP/1.1\r\n<HOST>Upgrade: websocket\r\n\r\n<BEHIND> ¦ <BEHIND>\0 ¦ <BEHIND>\x20 ¦ <BEHIND>\n\n<BEHIND>
  <BEHIND>\r
`;

/** Node doesn't tell of faults behind it. */
const H2C = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';
const FAULTS_BEHIND_H2C = [
  ...REFUSED_SIZES.filter((_, index) => index % 4 === 0).map(
    (size) => `${POST}${H2C}Transfer-Encoding: chunked\r\n\r\n${size}\r\nhello\r\n0\r\n\r\n${BEHIND}`,
  ),
  ...REFUSED_ENDS.map((chunks) => `${POST}${H2C}Transfer-Encoding: chunked\r\n\r\n${chunks}${BEHIND}`),
  ...['garbage\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', '\0', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'].map(
    (behind) => `${POST}${H2C}Content-Length: 5\r\n\r\nhello${behind}${BEHIND}`,
  ),
];

const EMPTY_LINES = '\r\n'.repeat(2000);

/** White space and zeros without end are no part of anything. */
const LONG_OTHERS = [
  EMPTY_LINES + BEHIND,
  BEHIND + EMPTY_LINES + BEHIND,
  asFields(`X:${' '.repeat(60_000)}y`),
  `${CHUNKED}${'0'.repeat(40_000)}5\r\nhello\r\n0\r\n\r\n${BEHIND}`,
  `${POST}Transfer-Encoding: chunked\t${END}`,
  ...[';=b', ';a=', ';a=b"c"'].map((extension) => `${CHUNKED}5${extension}\r\nhello\r\n0\r\n\r\n${BEHIND}`),
];
