import { median, medianRatio, orderOfRound } from '../../bench/statistics.ts';

test('the median is the middle value, or the mean of the two middle ones, and sorts by number', () => {
  expect(median([100, 9, 20])).toBe(20);
  expect(median([1, 4, 3, 2])).toBe(2.5);
  expect(() => median([])).toThrow('no median');
});

test('a ratio is taken within a round, so that a slow round does not shift it', () => {
  expect(medianRatio([200, 20, 2000], [100, 10, 1000])).toBe(2);
  expect(medianRatio([3, 4], [2])).toBe(1.5);
});

test('each second round is reversed, without changing the list', () => {
  const names = ['a', 'b', 'c'];
  expect([0, 1, 2].map((round) => orderOfRound(names, round).join(''))).toEqual(['abc', 'cba', 'abc']);
  expect(names).toEqual(['a', 'b', 'c']);
});
