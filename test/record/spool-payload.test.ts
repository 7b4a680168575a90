import type { Capture } from '../../src/exchange.ts';
import { decodePayload, encodePayload } from '../../src/record/spool-payload.ts';
import { captureOf } from './spool-fixtures.ts';

const stored = { bodyFile: null, storedBytes: 4, totalBytes: 9, truncated: true };
const response: Capture['response'] = {
  status: 503,
  rawHeaders: ['X-Name', 'café'],
  body: new Uint8Array([0, 255, 10]),
  truncated: false,
};

test('a head comes back as it was, with the bytes of the answer that was kept', () => {
  for (const changes of [{}, { response }]) {
    const { body, ...head } = captureOf('text', changes);
    expect(body.totalBytes).toBe(4);
    const { head: back, ...rest } = decodePayload(encodePayload({ head, ...stored }));
    expect(back).toEqual(head);
    expect(rest).toEqual(stored);
  }
});

test('of a whole capture the body is left out: it is sealed by itself', () => {
  const payload = encodePayload({ head: captureOf('a body'), ...stored });
  const json = payload.toString('utf8', 4);
  expect(Object.keys(JSON.parse(json))).not.toContain('body');
  expect(payload).toHaveLength(4 + payload.readUInt32BE(0));
});

test('what nobody knows of a record of an older release stays unknown', () => {
  const { head } = decodePayload(encodePayload({ head: captureOf(), ...stored }));
  const older = encodePayload({ head, ...stored, totalBytes: null, truncated: null });
  expect(older.toString('utf8', 4)).not.toContain('"totalBytes"');
  expect(decodePayload(older)).toMatchObject({ totalBytes: null, truncated: null });
});
