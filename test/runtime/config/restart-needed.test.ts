import { restartNeeded } from '../../../src/runtime/config/restart-needed.ts';
import { loadProcess } from './config-files.ts';

const settings = (text: string) => loadProcess(text).settings;
const before = settings('log: {}');

test.each([
  ['listeners: [{name: ambassador, address: "localhost:5001"}]', ['listeners']],
  ['listeners: [{name: ambassador, address: "localhost:5000", keepAlive: 5s}]', ['listeners']],
  ['metrics: {address: "*:9090"}', ['metrics']],
  ['admin: {address: "localhost:9091"}', ['admin']],
  ['spool: {path: /elsewhere}', ['spool.path']],
  ['metrics: {maxRules: 5}\nspool: {path: /elsewhere}', ['metrics', 'spool.path']],
])('%s needs a restart', (text, keys) => {
  expect(restartNeeded(before, settings(text))).toEqual(keys);
});

test.each([
  'spool: {size: 16Mi}',
  'log: {level: debug}',
  'kafka: {brokers: ["k:1"]}',
  'limits: {inFlight: 5}',
  'admin: {}',
])('%s does not', (text) => {
  expect(restartNeeded(before, settings(text))).toEqual([]);
});
