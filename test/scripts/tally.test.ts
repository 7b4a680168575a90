import { addCounts, closingLine, countsFromJest } from '../../scripts/tally.mjs';

const report = {
  numPassedTests: 7,
  numFailedTests: 0,
  numRuntimeErrorTestSuites: 0,
  numPendingTests: 0,
  numTodoTests: 0,
};

test('a clean run counts its tests', () => {
  expect(countsFromJest(report, 0)).toEqual({ passed: 7, failed: 0, skipped: 0 });
});

test('a suite that could not run counts as a failure', () => {
  const counts = countsFromJest({ ...report, numFailedTests: 2, numRuntimeErrorTestSuites: 1 }, 1);
  expect(counts.failed).toBe(3);
});

test('a run without a report, or one that ended badly with every test passed, is a failure', () => {
  expect(countsFromJest(undefined, 0).failed).toBe(1);
  expect(countsFromJest(report, 134).failed).toBe(1);
});

test('the closing line names skipped tests only when there are some', () => {
  const counts = countsFromJest({ ...report, numPendingTests: 2, numTodoTests: 1 }, 0);
  expect(closingLine(addCounts([counts, { passed: 1, failed: 0, skipped: 0 }]))).toBe('8 passed, 0 failed, 3 skipped');
  expect(closingLine({ passed: 4, failed: 1, skipped: 0 })).toBe('4 passed, 1 failed');
});
