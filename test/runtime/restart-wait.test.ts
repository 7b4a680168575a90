import { RestartWait } from '../../src/runtime/restart-wait.ts';

test('a thread that ends soon after each start is waited for longer and longer, up to 5 s', () => {
  const wait = new RestartWait();
  expect([10, 10, 10, 10, 10, 10, 10, 10].map((ran) => wait.after(ran))).toEqual([
    100, 200, 400, 800, 1600, 3200, 5000, 5000,
  ]);
});

test('one that ran for a minute is back at once, whatever was before', () => {
  const wait = new RestartWait();
  for (let times = 0; times < 10; times++) wait.after(10);
  expect([59_999, 60_000, 10].map((ran) => wait.after(ran))).toEqual([5000, 100, 200]);
});
