import { validate, version } from 'uuid';
import { newRecordId } from '../../src/record/record-id.ts';

test('ids are UUIDs of version 7 of now, each above the one before, also many in one millisecond', () => {
  const before = Date.now();
  const ids = Array.from({ length: 20_000 }, newRecordId);
  expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
  expect(ids.every((id, index) => index === 0 || id > (ids[index - 1] ?? ''))).toBe(true);
  const at = (id = ''): number => Number.parseInt(id.replace('-', '').slice(0, 12), 16);
  expect(at(ids[0])).toBeGreaterThanOrEqual(before);
  expect(at(ids.at(-1))).toBeLessThanOrEqual(Date.now());
});

test('the last 48 bits of no two ids are alike', () => {
  const ids = Array.from({ length: 20_000 }, () => newRecordId().slice(-12));
  // Two of 20,000 meet by chance once in a million runs.
  expect(new Set(ids).size).toBe(ids.length);
});
