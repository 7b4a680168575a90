/** A WebSocket server says the same of every frame, right or wrong, whether Outrider stands before it or not. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { cleanUp } from './helpers/cleanup.ts';
import { closeFrame, frame, OP } from './helpers/frames.ts';
import { pathTo, startEcho } from './helpers/tunnel.ts';
import { waitFor } from './helpers/wait.ts';

const HANDSHAKE =
  'GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
const BYE = closeFrame(1000, 'bye');

const sizes = [0, 1, 125, 126, 127, 65_535, 65_536];
const binary = (size: number): Buffer => Buffer.alloc(size, 'payload');
const pieces = (opcode: number, ...parts: (string | Uint8Array)[]): Buffer[] =>
  parts.map((part, i) => frame(i === 0 ? opcode : OP.continuation, part, { fin: i === parts.length - 1 }));

/** By the classes of the Autobahn catalogue. */
const CASES: readonly (readonly [string, readonly Buffer[]])[] = [
  ...sizes.map((size) => [`1 a text of ${size} bytes`, [frame(OP.text, 'x'.repeat(size)), BYE]] as const),
  ...sizes.map((size) => [`1 ${size} bytes`, [frame(OP.binary, binary(size)), BYE]] as const),
  ['2 a ping with a payload', [frame(OP.ping, 'there?'), BYE]],
  ['2 a ping that is too long', [frame(OP.ping, binary(126))]],
  ['2 a pong that nobody asked for', [frame(OP.pong, 'here'), frame(OP.text, 'x'), BYE]],
  ['2 ten pings at once', [...Array.from({ length: 10 }, (_, i) => frame(OP.ping, String(i))), BYE]],
  ...[1, 2, 3, 4, 7].map(
    (rsv) => [`3 reserved bits ${rsv}`, [frame(OP.text, 'x'), frame(OP.text, 'y', { rsv })]] as const,
  ),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [`4 opcode ${opcode}`, [frame(opcode, 'x')]] as const),
  ['5 a text in three pieces', [...pieces(OP.text, 'one ', 'two ', 'three'), BYE]],
  ['5 with a ping between', [frame(OP.text, 'a', { fin: false }), frame(OP.ping, 'p'), frame(0, 'b'), BYE]],
  ['5 a ping in pieces', [frame(OP.ping, 'a', { fin: false }), frame(0, 'b')]],
  ['5 a continuation of nothing', [frame(OP.continuation, 'x')]],
  ['5 a new text within a text', [frame(OP.text, 'a', { fin: false }), frame(OP.text, 'b')]],
  ['6 valid UTF-8, cut within a character', [...pieces(OP.text, Buffer.from([0xc3]), Buffer.from([0xa9])), BYE]],
  ['6 invalid UTF-8', [frame(OP.text, Buffer.from([0xce, 0xba, 0xed, 0xa0, 0x80]))]],
  ['6 invalid UTF-8 in the second piece', pieces(OP.text, 'fine', Buffer.from([0xff]))],
  ['6 a surrogate', [frame(OP.text, Buffer.from([0xed, 0xa0, 0x80]))]],
  ['7 a close without a code', [frame(OP.close)]],
  ['7 a close of one byte', [frame(OP.close, 'x')]],
  ['7 a close with a reason that is no UTF-8', [frame(OP.close, Buffer.from([3, 232, 0xff]))]],
  ['7 a close that is too long', [frame(OP.close, binary(126))]],
  ['7 a text after the close', [BYE, frame(OP.text, 'late')]],
  ...[1000, 1001, 1003, 1007, 3000, 4999].map((code) => [`7 close ${code}`, [closeFrame(code)]] as const),
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000].map(
    (code) => [`7 no close ${code}`, [closeFrame(code)]] as const,
  ),
  ['8 an unmasked frame', [frame(OP.text, 'x', { masked: false })]],
  ['9 a mebibyte in 1,024 pieces', [...pieces(OP.binary, ...Array.from({ length: 1024 }, () => binary(1024))), BYE]],
];

/** What the server sends back after its head; it closes every one of these. */
function transcript(port: number, bytes: Buffer, splitEvery: number): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    cleanUp(() => void socket.destroy());
    let received: Buffer = Buffer.alloc(0);
    let sent = 0;
    const send = (): void => {
      const piece = bytes.subarray(sent, sent + splitEvery);
      sent += piece.length;
      if (piece.length > 0 && socket.writable) socket.write(piece, () => setImmediate(send));
    };
    socket.on('data', (chunk: Buffer) => {
      if (received.length === 0) send();
      received = Buffer.concat([received, chunk]);
      // A server waits for the close of a client that it has told to go; ours never answers.
      if (endsWithClose(received)) socket.end();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(received.subarray(received.indexOf('\r\n\r\n') + 4)));
    socket.write(HANDSHAKE);
  });
}

/** Goes from frame to frame: an echo may hold the bytes of a close, too. */
function endsWithClose(received: Buffer): boolean {
  let at = received.indexOf('\r\n\r\n') + 4;
  while (at < received.length) {
    const short = received[at + 1] ?? 0;
    const [head, length] =
      short < 126
        ? [2, short]
        : short === 126
          ? [4, received.readUInt16BE(at + 2)]
          : [10, Number(received.readBigUInt64BE(at + 2))];
    const opcode = (received[at] ?? 0) & 15;
    at += head + length;
    if (opcode === OP.close) return at <= received.length;
  }
  return false;
}

test.each([
  ['as they are', Number.MAX_SAFE_INTEGER],
  ['in pieces of 7 bytes', 7],
])(
  `W05 ${CASES.length} sequences of frames, sent %s, get the same bytes back directly and through Outrider`,
  async (_, size) => {
    const echo = await startEcho();
    const path = await pathTo(echo.url);
    const direct = Number(new URL(echo.url).port);
    const compare = async ([name, frames]: (typeof CASES)[number]): Promise<string> => {
      const bytes = Buffer.concat(frames);
      const every = bytes.length > 100_000 ? Math.max(size, 4096) : size;
      const [before, through] = await Promise.all([
        transcript(direct, bytes, every),
        transcript(path.port, bytes, every),
      ]);
      if (before.length === 0) return `${name}: the server itself says nothing`;
      return before.equals(through) ? '' : `${name}: ${before.length} bytes became ${through.length}`;
    };
    expect((await Promise.all(CASES.map(compare))).filter((difference) => difference !== '')).toEqual([]);
  },
);

test('W05 a message of 16 MiB comes back as it was', async () => {
  const echo = await startEcho();
  const path = await pathTo(echo.url);
  const payload = randomBytes(16 * 1024 * 1024);
  const back = await transcript(path.port, Buffer.concat([frame(OP.binary, payload), BYE]), Number.MAX_SAFE_INTEGER);
  expect(back.subarray(10, 10 + payload.length).equals(payload)).toBe(true);
});

test('W01 the key goes to the target and the accept comes back as they were', async () => {
  const echo = await startEcho();
  const path = await pathTo(echo.url);
  let head = '';
  const socket = connect(path.port, '127.0.0.1');
  cleanUp(() => void socket.destroy());
  socket.on('data', (chunk) => {
    head += String(chunk);
  });
  socket.write(HANDSHAKE);
  await waitFor(() => head.endsWith('\r\n\r\n'), { what: 'the head' });
  expect(head).toMatch(/^Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r$/m);
  expect(head.match(/^(connection|upgrade):.*$/gim)).toEqual(['Connection: Upgrade', 'Upgrade: websocket']);
  expect(echo.heads[0]?.headers).toMatchObject({
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version': '13',
  });
});
