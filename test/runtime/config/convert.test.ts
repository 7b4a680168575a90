import { readFileSync } from 'node:fs';
import { convertConfig, olderSystems } from '../../../src/runtime/config/convert.ts';
import { readVariables } from '../../../src/runtime/config/convert-environment.ts';
import { loadConfig } from '../../../src/runtime/config/load.ts';
import type { Settings } from '../../../src/settings.ts';
import { mistakesOf } from './config-files.ts';

const folder = new URL('../../../example/switching/', import.meta.url);
const inputs = {
  dispatcher: 'sidecar_config.yaml',
  interceptor: 'interceptor.env',
  proxy: 'endpoints.yaml',
  'data-saver': 'data-saver.env',
  'event-processor': 'values.yaml',
} as const;
const inputOf = (system: keyof typeof inputs): string =>
  readFileSync(new URL(`${system}/${inputs[system]}`, folder), 'utf8');

function loadText(text: string, env: Record<string, string> = {}): Settings {
  return loadConfig({ path: 'x', env, listDir: () => null, readFile: (file) => (file === 'x' ? text : null) }).settings;
}

describe.each(olderSystems)('%s', (system) => {
  const converted = convertConfig(system, inputOf(system), {});

  test('the example is what convert prints', () => {
    expect(readFileSync(new URL(`${system}/outrider.yaml`, folder), 'utf8')).toBe(converted);
  });

  test('what convert prints loads, and begins with a comment', () => {
    expect(loadText(converted).routes.default).toMatch(/./);
    expect(converted).toMatch(/^# From /);
  });

  test('input that is something else is a mistake', () => {
    expect(mistakesOf(() => convertConfig(system, '- [x', {})).length).toBeGreaterThan(0);
  });
});

test('the converted dispatcher file means what the file itself means', () => {
  const input = inputOf('dispatcher');
  expect(loadText(convertConfig('dispatcher', input, {})).routes).toEqual(loadText(input).routes);
});

test("the dispatcher's environment goes into the file", () => {
  const text = convertConfig('dispatcher', inputOf('dispatcher'), {
    SIDECAR_PORT: '5055',
    SIDECAR_LOGGING_LEVEL: 'ERROR',
  });
  expect(loadText(text).process).toMatchObject({ listeners: [{ address: 'localhost:5055' }], log: { level: 'error' } });
});

test('a value of the dispatcher that looks like a template stays a text', () => {
  const input = `key: k\nrewrites: {a: {patch: [{key: h, val: "$\{id}"}]}}\ndestination: http://x`;
  const text = convertConfig('dispatcher', input, {});
  expect(loadText(text).routes.rules[0]?.request.headers.set).toEqual({ h: `$$\{id}` });
});

test('the interceptor: backend, topic, brokers and the friendly error', () => {
  const { process, routes } = loadText(convertConfig('interceptor', inputOf('interceptor'), {}));
  expect(process.kafka).toMatchObject({ brokers: ['kafka:9092'], topic: 'failed-requests' });
  expect(routes.targets[0]?.urls[0]?.url).toBe('http://api:3000');
  const answer = routes.rules[0]?.capture.answer;
  if (answer === undefined || answer === 'relay') throw new Error('there is no friendly answer');
  expect(answer.status).toBe(503);
  expect(Object.keys(JSON.parse(answer.body))).toEqual(['error', 'message', 'timestamp', 'request_id']);
});

test('a variable may come from the environment', () => {
  expect(
    loadText(convertConfig('interceptor', '', { BACKEND_URL: 'http://e:1' })).routes.targets[0]?.urls[0]?.url,
  ).toBe('http://e:1');
});

test('the proxy: all else is rejected, the token is a template, limits wait for a later version', () => {
  const text = convertConfig('proxy', inputOf('proxy'), {});
  const { routes } = loadText(text);
  expect(routes.default).toBe('reject');
  expect(routes.rules.map(({ match, target }) => [match.paths, target])).toEqual([
    [['/orders/*'], 'orders'],
    [['/prices'], 'prices'],
  ]);
  expect(routes.targets[1]?.request.headers.set).toEqual({
    authorization: `Bearer $\{file:/var/run/secrets/outrider/prices-token}`,
  });
  expect(text).toMatch(
    /# not in this version:\n {4}# {3}rateLimit: 10\/s\n {4}# {3}delivery:\n {4}# {5}mode: deadline/,
  );
});

test('the data saver and the event processor say what is not in this version', () => {
  expect(convertConfig('data-saver', inputOf('data-saver'), {})).toMatch(
    /# not in this version:\n {4}# {3}delivery: \{ mode: queued/,
  );
  expect(convertConfig('event-processor', inputOf('event-processor'), {})).toMatch(
    /# not in this version:\n# {3}events:/,
  );
});

test.each([
  ['proxy', 'endpoints: [{path: a, url: "http://x"}]', 'input:1:20: endpoints[0].path: a path starts with /'],
  [
    'proxy',
    'endpoints: [{path: /a, url: "http://x", rate: fast}]',
    'input:1:47: endpoints[0].rate: expected a rate such as 10/s',
  ],
  ['interceptor', 'KAFKA_BROKER=k:1', 'input: BACKEND_URL: missing: in the input or the environment'],
  [
    'data-saver',
    'DOWNSTREAM_ENDPOINT=x:80',
    'input: DOWNSTREAM_ENDPOINT: found "x:80"; expected http://host:port or https://host:port',
  ],
  ['event-processor', 'app: {port: 70000}', 'input:1:13: app.port: found 70000; at most 65535'],
  [
    'dispatcher',
    'targets: {}',
    'input:1:1: not a configuration of the dispatcher: expected `key`, `rewrites` and `destination`',
  ],
] as const)('%s: %s', (system, input, line) => {
  expect(mistakesOf(() => convertConfig(system, input, {}))).toEqual([line]);
});

test.each([
  ['A_B=1', { A_B: '1' }],
  ['export A="x y"', { A: 'x y' }],
  ['  - A=1', { A: '1' }],
  ["    A: 'x'", { A: 'x' }],
  ['env A=1;', { A: '1' }],
  ['- name: A\n  value: "1"\n- name: B\n  value: 2', { A: '1', B: '2' }],
  ['# A=1\nlower=2\n\n', {}],
])('variables are read from %p', (text, variables) => {
  expect(readVariables(text)).toEqual(variables);
});
