import { ContinueFilter } from '../../src/forward/continue-filter.ts';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const NAMED = 'HTTP/1.0 100 Go on\r\nX-A: 1\r\nX-B: \r\n\r\n';
const BARE = 'HTTP/1.1 100\r\n\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nhi';

/** What comes out of these pieces, as one text. */
function filtered(pieces: readonly Buffer[]): { out: string; taken: number } {
  const filter = new ContinueFilter();
  let taken = 0;
  filter.arm({
    continued: () => {
      taken += 1;
    },
  });
  const out = pieces.flatMap((piece) => filter.pass(piece) ?? []);
  return { out: Buffer.concat(out).toString('latin1'), taken };
}

function everySplit(bytes: Buffer): Buffer[][] {
  const halves = Array.from({ length: bytes.length - 1 }, (_, at) => [
    bytes.subarray(0, at + 1),
    bytes.subarray(at + 1),
  ]);
  return [[bytes], Array.from(bytes, (byte) => Buffer.from([byte])), ...halves];
}

test.each<readonly [string, string, string, number]>([
  ['one before the answer', CONTINUE + OK, OK, 1],
  ['several, with fields or without a reason', CONTINUE + NAMED + BARE + OK, OK, 3],
  ['those between other informational heads', HINTS + CONTINUE + HINTS + CONTINUE + OK, HINTS + HINTS + OK, 2],
  ['none where there is none', OK, OK, 0],
  ['none of an answer in HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\nbody', 'HTTP/1.0 200 OK\r\n\r\nbody', 0],
  ['none of another protocol', 'SSH-2.0-1 100 1\r\n\r\n', 'SSH-2.0-1 100 1\r\n\r\n', 0],
  ['none after a switch', `HTTP/1.1 101 X\r\n\r\n${CONTINUE}`, `HTTP/1.1 101 X\r\n\r\n${CONTINUE}`, 0],
  ['none that is longer than three digits', 'HTTP/1.1 1000 X\r\n\r\n', 'HTTP/1.1 1000 X\r\n\r\n', 0],
  ['none with a bare LF', `HTTP/1.1 100 X\nX: 1\r\n\r\n${OK}`, `HTTP/1.1 100 X\nX: 1\r\n\r\n${OK}`, 0],
  ['none with a bare CR', `HTTP/1.1 100 X\rX: 1\r\n\r\n${OK}`, `HTTP/1.1 100 X\rX: 1\r\n\r\n${OK}`, 0],
  ['none with NUL', `HTTP/1.1 100 X\0\r\n\r\n${OK}`, `HTTP/1.1 100 X\0\r\n\r\n${OK}`, 0],
])('B05 takes %s, wherever the bytes are split', (_, bytes, expected, taken) => {
  for (const pieces of everySplit(Buffer.from(bytes, 'latin1'))) {
    expect(filtered(pieces)).toEqual({ out: expected, taken });
  }
});

test('a head without end passes once it is larger than 16 KiB', () => {
  const filter = new ContinueFilter();
  filter.arm({ continued: () => undefined });
  const endless = Buffer.from(`HTTP/1.1 100 Continue\r\nX: ${'x'.repeat(20_000)}`);
  expect(filter.pass(endless.subarray(0, 1000))).toBeNull();
  expect(filter.pass(endless.subarray(1000))?.equals(endless)).toBe(true);
});

test('nothing is taken where no answer is awaited, and what an answer before left over is forgotten', () => {
  const filter = new ContinueFilter();
  const listener = { continued: () => undefined };
  expect(String(filter.pass(Buffer.from(CONTINUE)))).toBe(CONTINUE);
  filter.arm(listener);
  expect(filter.pass(Buffer.from('HTTP/1.1 1'))).toBeNull();
  filter.arm(listener);
  expect(String(filter.pass(Buffer.from(OK)))).toBe(OK);
});
