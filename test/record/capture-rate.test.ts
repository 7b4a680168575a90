import type { Capture, CaptureResult } from '../../src/exchange.ts';
import { CaptureRate } from '../../src/record/capture-rate.ts';
import { captureOf, inFile } from './spool-fixtures.ts';

function rated(perSecond: number) {
  let now = 0;
  const kept: string[] = [];
  const dropped: number[] = [];
  let losses = 0;
  const store = {
    commit: ({ id }: Capture, done: (result: CaptureResult) => void) => {
      kept.push(id);
      done({ kind: 'committed', partial: false });
    },
    drop: (file: number) => void dropped.push(file),
    countRateLoss: () => {
      losses += 1;
    },
  };
  const rate = new CaptureRate(store, perSecond, () => now);
  const results: CaptureResult[] = [];
  const keep = (capture = captureOf('a')) => rate.commit(capture, (result) => results.push(result));
  return { keep, kept, dropped, results, losses: () => losses, pass: (ms: number) => (now += ms) };
}

test('keeps so many a second, and answers the others at once as not kept, counted', () => {
  const { keep, kept, results, losses, pass } = rated(10);
  for (let i = 0; i < 30; i += 1) keep();
  expect(kept).toHaveLength(10);
  expect(losses()).toBe(20);
  expect(results.at(-1)).toEqual({ kind: 'failed', why: expect.stringContaining('capture.rate') });
  pass(500);
  for (let i = 0; i < 30; i += 1) keep();
  expect(kept).toHaveLength(15);
  pass(60_000);
  for (let i = 0; i < 30; i += 1) keep();
  expect(kept).toHaveLength(25);
  expect(kept.length + losses()).toBe(90);
});

test('a rate below one a second keeps one now and then', () => {
  const { keep, kept, pass } = rated(0.1);
  keep();
  keep();
  expect(kept).toHaveLength(1);
  pass(10_000);
  keep();
  expect(kept).toHaveLength(2);
});

test('the file of a body that is not kept is dropped', () => {
  const { keep, dropped } = rated(1);
  keep();
  keep(captureOf('', { body: inFile(7, 100_000) }));
  expect(dropped).toEqual([7]);
});

test('a clock that goes backwards adds nothing and takes nothing away', () => {
  const { keep, kept, pass } = rated(2);
  keep();
  pass(-1_000_000);
  keep();
  keep();
  expect(kept).toHaveLength(2);
});
