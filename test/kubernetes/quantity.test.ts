import { parseQuantity, sameQuantity, volumeSizeFor } from '../../src/runtime/kubernetes/quantity.ts';

test.each([
  ['100m', 0.1],
  ['1', 1],
  [2, 2],
  ['1.5', 1.5],
  ['64Mi', 67108864],
  ['1e3', 1000],
  ['1k', 1000],
  ['1K', null],
  ['a lot', null],
  ['', null],
])('%p is %p', (text, value) => {
  const parsed = parseQuantity(text);
  if (value === null) expect(parsed).toBeNull();
  else expect(parsed).toBeCloseTo(value, 9);
});

test('quantities are the same when they mean the same', () => {
  expect(sameQuantity('1', '1000m')).toBe(true);
  expect(sameQuantity('1Gi', '1024Mi')).toBe(true);
  expect(sameQuantity('1Gi', '1G')).toBe(false);
  expect(sameQuantity(undefined, undefined)).toBe(false);
});

test('a volume is half as large again as its spool’s quota, and 64Mi more', () => {
  expect(volumeSizeFor('256Mi')).toBe('448Mi');
  expect(volumeSizeFor('100Mi')).toBe('214Mi');
  expect(volumeSizeFor('1Gi')).toBe('1600Mi');
});
