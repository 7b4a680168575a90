export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } }] },
  maxWorkers: 2,
  testSequencer: '<rootDir>/scripts/sequencer.mjs',
  // Real processes, brokers and disks on a shared machine: a test ends with its facts, not with a clock.
  testTimeout: 60_000,
};
