// The order of the suites: those that are known to take long begin first, so that none of them is left alone at the end.
// Jest knows by itself only on a machine that has run them before.
import TestSequencer from '@jest/test-sequencer';

const LONG =
  /kafka-producer|mirror-cluster|mirror-trouble|end-to-end\/capture|config\/watch|e2e\/(restart|mirror)|spool-steps|spool-torn|failing-disk|buffers|redact-/;

export default class LongFirst extends TestSequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    return [...sorted.filter(({ path }) => LONG.test(path)), ...sorted.filter(({ path }) => !LONG.test(path))];
  }
}
