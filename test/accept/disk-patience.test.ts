import { DiskPatience } from '../../src/accept/disk-patience.ts';

function patienceAt(): { patience: DiskPatience; pass: (ms: number) => void } {
  let now = 1000;
  const patience = new DiskPatience(() => now);
  return {
    patience,
    pass: (ms) => {
      now += ms;
    },
  };
}

test('a disk that hangs holds an upload up for 250 ms in pieces of 50, then no more', () => {
  const { patience, pass } = patienceAt();
  const pieces = Array.from({ length: 7 }, () => {
    const ms = patience.waitMs();
    pass(ms);
    patience.ended();
    return ms;
  });
  expect(pieces).toEqual([50, 50, 50, 50, 50, 0, 0]);
});

test('a wait counts for as long as it took, not for as long as it might have', () => {
  const { patience, pass } = patienceAt();
  for (let n = 0; n < 100; n += 1) {
    expect(patience.waitMs()).toBeGreaterThan(0);
    pass(2);
    patience.ended();
  }
});

test('an upload that runs freely between may be held up as long again', () => {
  const { patience, pass } = patienceAt();
  for (let n = 0; n < 100; n += 1) {
    expect(patience.waitMs()).toBe(50);
    pass(50);
    patience.ended();
    pass(50);
  }
});

test('an upload is never held up for longer than it ran, and 250 ms', () => {
  const { patience, pass } = patienceAt();
  let held = 0;
  for (let n = 0; n < 100; n += 1) {
    const ms = patience.waitMs();
    held += ms;
    pass(ms);
    patience.ended();
    pass(10);
  }
  expect(held).toBe(250 + 99 * 10);
});
