import { parseDuration, parseRate, parseSize } from '../../../src/runtime/config/units.ts';

test.each([
  ['250ms', 250],
  ['2s', 2000],
  ['1.5s', 1500],
  ['5m', 300_000],
  ['1h', 3_600_000],
  ['7d', 604_800_000],
  [0, 0],
  ['0', 0],
  ['0s', 0],
])('the duration %p is %p ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(['', '2', 2, '2 s', '-2s', '2sec', '1h30m', '2S', null, true, [], 'NaNs', '1e3s', '999999999d'])(
  '%p is no duration',
  (text) => {
    expect(parseDuration(text)).toBeNull();
  },
);

test.each([
  ['64Ki', 65_536],
  ['64KiB', 65_536],
  ['1Mi', 1_048_576],
  ['1MiB', 1_048_576],
  ['1.5Mi', 1_572_864],
  ['2Gi', 2 ** 31],
  ['512', 512],
  [512, 512],
  [0, 0],
])('the size %p is %p bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(['', '64K', '64KB', '64 Ki', '-1Ki', -1, 1.5, '1Ki2', null, '99999999Ti'])('%p is no size', (text) => {
  expect(parseSize(text)).toBeNull();
});

test.each([
  ['10/s', 10],
  ['600/m', 10],
  ['36000/h', 10],
  ['0.5/s', 0.5],
  [0, 0],
])('the rate %p is %p a second', (text, perSecond) => {
  expect(parseRate(text)).toBe(perSecond);
});

test.each(['10', 10, '10/d', '/s', '10 /s', '-1/s'])('%p is no rate', (text) => {
  expect(parseRate(text)).toBeNull();
});
