import type { Capture } from '../../src/exchange.ts';
import { freePack, packCaptures, unpackCaptures } from '../../src/runtime/capture-pack.ts';
import { bytesOf, captureOf, inFile } from '../record/spool-fixtures.ts';

const clone = (captures: readonly Capture[]): Capture[] => unpackCaptures(structuredClone(packCaptures(captures)));

/** With its body as plain bytes: which class and memory hold them is nobody's business. */
const plain = (capture: Capture) =>
  capture.body.kind === 'memory' ? { ...capture, body: { ...capture.body, bytes: [...capture.body.bytes] } } : capture;

test('captures arrive as they left, each with its own body, whatever stands beside it', () => {
  const response = { status: 503, rawHeaders: ['X-A', 'b', 'X-A', 'é'], body: bytesOf(10, 3), truncated: true };
  const attempt = { at: 1.5, url: 'http://a/x', reason: null, status: 500, requestSent: 'yes', ms: 0.1 } as const;
  const captures = [
    captureOf('first'),
    captureOf('', { body: inFile(7, 100_000), traceId: '4bf92f3577b34da6a3ce929d0e0e4736' }),
    captureOf('', { attempts: [] }),
    captureOf(bytesOf(65_536, 2), { response, attempts: [attempt, { ...attempt, reason: 'reset' }] }),
    captureOf('last', { redacted: ['headers.authorization'], reason: 'status', requestSent: 'partly' }),
  ];
  expect(clone(captures).map(plain)).toEqual(captures.map(plain));
});

test('none at all are none', () => {
  expect(clone([])).toEqual([]);
});

test('a body that is a piece of a larger memory takes only itself along', () => {
  const whole = bytesOf(1000);
  const { bodies } = packCaptures([captureOf(whole.subarray(100, 110)), captureOf(whole.subarray(500, 505))]);
  expect(bodies.buffer.byteLength).toBe(15);
  expect([...bodies]).toEqual([...whole.subarray(100, 110), ...whole.subarray(500, 505)]);
});

test('what is freed has given its memory back at once', () => {
  const packed = packCaptures([captureOf(bytesOf(65_536))]);
  freePack(packed);
  expect(packed.bodies.byteLength).toBe(0);
});
