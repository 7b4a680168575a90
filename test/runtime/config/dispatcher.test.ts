import { loadConfig } from '../../../src/runtime/config/load.ts';
import type { RuleSettings } from '../../../src/settings.ts';
import { load, mistakesOf } from './config-files.ts';

/** As its own documentation shows it, with the case of a patched Host. */
const documented = `key: environment
rewrites:
  dev:
    patch: [{key: Host1a, val: dev}, {key: dispatched, val: true}]
    destination: http://dev.example.com
  qa:
    patch: [{key: Host1a, val: qa}, {key: Host, val: example.com}]
    destination: https://qa.svc.cluster.local
destination: http://example.com/default
`;

const path = '/app/config/sidecar_config.yaml';
const loadOlder = (text: string, env: Record<string, string> = {}) =>
  loadConfig({
    env: { SIDECAR_CONFIG: path, ...env },
    listDir: () => null,
    readFile: (file) => (file === path ? text : null),
  });
const older = (text: string, env: Record<string, string> = {}) => loadOlder(text, env).settings;
const mistakes = (text: string) => mistakesOf(() => older(text)).map((line) => line.replace(`${path}:`, ''));
const setOf = (patch: string): RuleSettings['request']['headers']['set'] | undefined =>
  older(`key: k\nrewrites: {a: {patch: [${patch}]}}\ndestination: http://x`).routes.rules[0]?.request.headers.set;

test('the documented configuration is read as it is, with one line that says so', () => {
  const { settings, warnings } = loadOlder(documented);
  expect(
    settings.routes.rules.map(({ name, match, request, target }) => ({
      name,
      headers: match.headers,
      set: request.headers.set,
      target,
    })),
  ).toEqual([
    { name: 'dev', headers: { environment: 'dev' }, set: { Host1a: 'dev', dispatched: 'True' }, target: 'dev' },
    { name: 'qa', headers: { environment: 'qa' }, set: { Host1a: 'qa', Host: 'example.com' }, target: 'qa' },
  ]);
  expect(settings.routes.default).toBe('default');
  expect(settings.source).toBe(path);
  expect(warnings).toEqual([`${path}: the older dispatcher's format; \`outrider convert\` prints it in ours`]);
});

test("the caller's Host is passed on to every target", () => {
  expect(older(documented).routes.targets.map(({ hostHeader }) => hostHeader)).toEqual([
    'preserve',
    'preserve',
    'preserve',
  ]);
});

test("a destination's path is kept in the target's URL, where it is put before the path of requests", () => {
  expect(older(documented).routes.targets.map(({ urls }) => urls[0]?.url)).toEqual([
    'http://example.com/default',
    'http://dev.example.com',
    'https://qa.svc.cluster.local',
  ]);
});

test('its environment sets the listener and the level of the log', () => {
  const { process } = older(documented, { SIDECAR_PORT: '5055', SIDECAR_LOGGING_LEVEL: 'WARNING', PORT: '80' });
  expect(process.listeners.map(({ name, address, keepAlive }) => ({ name, address, keepAlive }))).toEqual([
    { name: 'ambassador', address: 'localhost:5055', keepAlive: 3_600_000 },
  ]);
  expect(process.log.level).toBe('warn');
});

describe('values', () => {
  test.each([
    ['true', 'True'],
    ['True', 'True'],
    ['yes', 'True'],
    ['on', 'True'],
    ['false', 'False'],
    ['no', 'False'],
    ['Off', 'False'],
    ['"true"', 'true'],
    ['"yes"', 'yes'],
    ['1', '1'],
    ['1.0', '1.0'],
    ['0x10', '0x10'],
    ['1e3', '1e3'],
    ['-5', '-5'],
    ['yesterday', 'yesterday'],
  ])('%s is sent as %s', (val, sent) => {
    expect(setOf(`{key: h, val: ${val}}`)).toEqual({ h: sent });
  });

  test('what looks like a template is text', () => {
    expect(setOf(`{key: h, val: "a$\{id}"}`)).toEqual({ h: `a$$\{id}` });
  });

  test('the last of several patches of one header wins, in any case', () => {
    expect(setOf('{key: H, val: a}, {key: h, val: b}')).toEqual({ h: 'b' });
  });
});

describe('destinations', () => {
  test('a rewrite without one patches and goes to the default one', () => {
    const { routes } = older('key: k\nrewrites: {a: {patch: [{key: h, val: x}]}}\ndestination: http://x');
    expect(routes.rules[0]).toMatchObject({ target: 'default' });
    expect(routes.targets).toHaveLength(1);
  });

  test('without a default one what matches nothing is answered 404, and a warning says so', () => {
    const { settings, warnings } = loadOlder('key: k\nrewrites: {a: {destination: http://x}}');
    expect(settings.routes.default).toBe('reject');
    expect(warnings).toContainEqual(expect.stringContaining('what matches no rewrite is answered 404'));
  });

  test('none at all is a mistake', () => {
    expect(mistakes('key: environment')).toEqual(['1:1: missing `destination`: where requests go']);
    expect(mistakes('key: k\nrewrites: {a: {patch: []}}')).toEqual([
      '2:15: rewrites.a: no `destination` here, and no default one',
    ]);
  });
});

describe('names', () => {
  test('header values that are no names become some, each of its own', () => {
    const { routes } = older(
      'key: k\nrewrites: {"a b": {}, "a/b": {}, default: {}, reject: {}, "": {}, "é": {}}\ndestination: http://x',
    );
    expect(routes.rules.map(({ name }) => name)).toEqual([
      'a-b',
      'a-b-2',
      'default-2',
      'reject-2',
      'rewrite',
      'rewrite-2',
    ]);
    expect(routes.rules.map(({ match }) => match.headers.k)).toEqual(['a b', 'a/b', 'default', 'reject', '', 'é']);
  });

  test('a value of 100 letters is cut in the name alone', () => {
    const value = 'v'.repeat(100);
    const rule = older(`key: k\nrewrites: {${value}: {}}\ndestination: http://x`).routes.rules[0];
    expect(rule?.name).toHaveLength(63);
    expect(rule?.match.headers.k).toBe(value);
  });
});

test.each([
  [
    'a typo',
    'key: k\nrewrite: {}\ndestination: http://x',
    '2:1: rewrite: there is no such key; did you mean "rewrites"?',
  ],
  [
    'a destination without a scheme',
    'destination: x:80',
    '1:14: destination: found "x:80"; expected http://host:port or https://host:port',
  ],
  [
    'rewrites without a key',
    'rewrites: {a: {}}\ndestination: http://x',
    '1:1: missing `key`: the header whose value chooses a rewrite',
  ],
  [
    'an empty value',
    'key: k\nrewrites: {a: {patch: [{key: h, val: }]}}\ndestination: http://x',
    '2:33: rewrites.a.patch[0].val: found nothing (an empty value); expected a text, a number or a boolean',
  ],
  [
    'a header of the connection',
    'key: k\nrewrites: {a: {patch: [{key: Connection, val: x}]}}\ndestination: http://x',
    expect.stringContaining('Outrider writes it itself'),
  ],
  [
    'a line break',
    'key: k\nrewrites: {a: {patch: [{key: h, val: "a\\nb"}]}}\ndestination: http://x',
    expect.stringContaining("U+000A can't be in a header value"),
  ],
])('%s is a mistake with its place', (_, text, expected) => {
  expect(mistakes(text)).toEqual([expected]);
});

test('a file with a key of ours is ours', () => {
  expect(mistakesOf(() => load({ 'routes.yaml': 'destination: http://x\ntargets: {}\ndefault: reject' }))).toEqual([
    'routes.yaml:1:1: destination: there is no such key; allowed: apiVersion, listeners, metrics, admin, events, shutdown, publicUrl, spool, kafka, delivery, capture, limits, egress, intercept, templates, forwarded, trace, faults, log, targets, rateLimits, rules, default, tests',
  ]);
});

test('it may be the routes.yaml beside an outrider.yaml', () => {
  const { settings } = load({ 'outrider.yaml': 'log: {level: debug}', 'routes.yaml': documented });
  expect(settings.process.log.level).toBe('debug');
  expect(settings.routes.rules).toHaveLength(2);
});
