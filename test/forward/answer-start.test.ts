import { AnswerStart } from '../../src/forward/answer-start.ts';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const NAMED = 'HTTP/1.0 100 Go on\r\nX-A: 1\r\nX-B: \r\n\r\n';
const BARE = 'HTTP/1.1 100\r\n\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nhi';

/** What comes out of these pieces, as one text; null: it was refused. */
function passed(pieces: readonly Buffer[]): { out: string | null; taken: number } {
  const start = new AnswerStart();
  let taken = 0;
  let refused = false;
  start.arm({
    continued: () => {
      taken += 1;
    },
    malformed: () => {
      refused = true;
    },
  });
  const out: Buffer[] = [];
  for (const piece of pieces) {
    const seen = refused ? null : start.pass(piece);
    if (seen !== null) out.push(seen);
  }
  return { out: refused ? null : Buffer.concat(out).toString('latin1'), taken };
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
  ['those with empty lines around them', `\r\n${CONTINUE}\r\n\r\n${CONTINUE}\r\n${OK}`, OK, 2],
  ['none where there is none', OK, OK, 0],
  ['none of an answer in HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\nbody', 'HTTP/1.0 200 OK\r\n\r\nbody', 0],
  ['none of an answer without a reason', 'HTTP/1.1 404\r\n\r\n', 'HTTP/1.1 404\r\n\r\n', 0],
  ['none after a switch', `HTTP/1.1 101 X\r\n\r\n${CONTINUE}`, `HTTP/1.1 101 X\r\n\r\n${CONTINUE}`, 0],
])('B05 takes %s, wherever the bytes are split', (_, bytes, expected, taken) => {
  for (const pieces of everySplit(Buffer.from(bytes, 'latin1'))) {
    expect(passed(pieces)).toEqual({ out: expected, taken });
  }
});

test.each([
  'SSH-2.0-OpenSSH_9.2\r\n',
  'ICY 200 OK\r\n\r\n',
  'RTSP/1.1 200 OK\r\n\r\n',
  'ICE/1.1 200 OK\r\n\r\n',
  'HTTP/0.9 200 OK\r\n\r\n',
  'HTTP/2.0 200 OK\r\n\r\n',
  'HTTP/1.2 200 OK\r\n\r\n',
  'HTTP/1.1  200 OK\r\n\r\n',
  'HTTP/1.1\t200 OK\r\n\r\n',
  'HTTP/1.1 20\r\n\r\nXXX',
  'HTTP/1.1 2000 OK\r\n\r\n',
  'HTTP/1.1 1000 OK\r\n\r\n',
  'HTTP/1.1 099 Low\r\n\r\n',
  'HTTP/1.1 600 High\r\n\r\n',
  'HTTP/1.1 999 Odd\r\n\r\n',
  'HTTP/1.1 20A OK\r\n\r\n',
  'HTTP/1.1 200 O\0K\r\n\r\n',
  'HTTP/1.1 200 OK\x7f\r\n\r\n',
  'HTTP/1.1 200 OK\n\nbody and more',
  'HTTP/1.1 200 OK\rX-A: 1\r\n\r\n',
  'HTTP/1.1 200 OK\r\rContent-Length: 4\r\n\r\nEvil',
  'HTTP/1.1 100 X\nX: 1\r\n\r\n',
  'HTTP/1.1 100 X\rX: 1\r\n\r\n',
  'HTTP/1.1 100 X\0\r\n\r\n',
  '\r\rHTTP/1.1 200 OK\r\n\r\n',
  '\nHTTP/1.1 200 OK\r\n\r\n',
  '\0'.repeat(20),
])('U05 %j is refused, wherever the bytes are split', (bytes) => {
  for (const pieces of everySplit(Buffer.from(bytes, 'latin1'))) expect(passed(pieces).out).toBeNull();
});

test('a head without end is refused once it is larger than 16 KiB', () => {
  const start = new AnswerStart();
  let refused = false;
  start.arm({
    continued: () => undefined,
    malformed: () => {
      refused = true;
    },
  });
  expect(start.pass(Buffer.from('HTTP/1.1 200 '))).toBeNull();
  expect(start.pass(Buffer.alloc(16_000, 'x'))).toBeNull();
  expect(refused).toBe(false);
  start.pass(Buffer.alloc(1000, 'x'));
  expect(refused).toBe(true);
});

test('nothing is looked at where no answer is awaited, and what an answer before left over is forgotten', () => {
  const start = new AnswerStart();
  const listener = { continued: () => undefined, malformed: () => undefined };
  expect(String(start.pass(Buffer.from(CONTINUE)))).toBe(CONTINUE);
  start.arm(listener);
  expect(start.pass(Buffer.from('HTTP/1.1 1'))).toBeNull();
  start.arm(listener);
  expect(String(start.pass(Buffer.from(OK)))).toBe(OK);
  expect(String(start.pass(Buffer.from('SSH')))).toBe('SSH');
});
