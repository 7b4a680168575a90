import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../../src/runtime/config/load.ts';
import { temporaryFolder } from '../../helpers/cleanup.ts';
import { load, loadProcess, loadRoutes, mistakesOf, plainRoutes } from './config-files.ts';

const reference = new URL('../../../../shared/reference.yaml', import.meta.url);

describe('which files', () => {
  test('a folder with both', () => {
    const { settings, warnings } = load({ 'outrider.yaml': 'log: {level: debug}', 'routes.yaml': plainRoutes });
    expect(settings.process.log.level).toBe('debug');
    expect(settings.routes.default).toBe('prod');
    expect(settings.source).toBe('conf');
    expect(warnings).toEqual([]);
  });

  test('a folder with routes.yaml alone runs on the defaults', () => {
    expect(load({ 'routes.yaml': plainRoutes }).settings.process.listeners).toEqual([
      {
        name: 'ambassador',
        address: 'localhost:5000',
        auth: { kind: 'none' },
        tls: { cert: '', key: '', clientCa: '' },
        keepAlive: 3_600_000,
        target: '',
        tolerate: [],
      },
    ]);
  });

  test('a folder with outrider.yaml alone needs BACKEND_URL', () => {
    const files = { 'outrider.yaml': 'log: {level: debug}' };
    expect(mistakesOf(() => load(files))).toEqual([
      'outrider.yaml: no routes: routes.yaml with `targets` and `default` is needed, or the variable BACKEND_URL',
    ]);
    expect(load(files, { BACKEND_URL: 'http://x:1' }).settings.routes.default).toBe('backend');
  });

  test('one file with the keys of both, whatever it is called', () => {
    const folder = temporaryFolder();
    for (const name of ['my.yaml', 'outrider.yaml', 'routes.yaml']) {
      const path = join(folder, name);
      writeFileSync(path, `log: {level: debug}\n${plainRoutes}`);
      expect(loadConfig({ path, env: {} }).settings).toMatchObject({
        source: path,
        process: { log: { level: 'debug' } },
        routes: { default: 'prod' },
      });
    }
  });

  test('a folder on disk, also through links', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'conf'));
    writeFileSync(join(folder, 'conf', 'routes.yaml'), plainRoutes);
    expect(loadConfig({ path: join(folder, 'conf'), env: {} }).settings.routes.targets).toHaveLength(2);
  });

  test('a path that is not there is named', () => {
    expect(mistakesOf(() => load({}, {}, 'nowhere'))).toEqual(['nowhere: no such file or folder']);
  });

  test('a folder with neither file lists what it has, and what was meant', () => {
    expect(mistakesOf(() => load({ 'routes.yml': plainRoutes }))).toEqual([
      'conf: neither outrider.yaml nor routes.yaml in this folder; found: routes.yml; did you mean "routes.yaml"?',
    ]);
  });

  test('a file that can not be read says why', () => {
    const denied = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    const run = () =>
      loadConfig({
        path: 'x.yaml',
        env: {},
        listDir: () => null,
        readFile: () => {
          throw denied;
        },
      });
    expect(mistakesOf(run)).toEqual(["x.yaml: can't be read (EACCES)"]);
  });

  test.each(['', '\n', '# rules will come\n', '---\n', '~', 'null'])('an empty file (%p) is not "no rules"', (text) => {
    expect(mistakesOf(() => load({ 'routes.yaml': text }, { BACKEND_URL: 'http://x:1' }))).toEqual([
      'routes.yaml:1:1: the file is empty: that is not "no rules"',
    ]);
  });

  test.each([
    ['[a]', 'found a list; expected a mapping'],
    ['text', 'found "text"; expected a mapping'],
  ])('a file that is no mapping (%p) is refused', (text, message) => {
    expect(mistakesOf(() => load({ 'routes.yaml': text }))).toEqual([`routes.yaml:1:1: ${message}`]);
  });

  test('mistakes of the YAML of both files are told together', () => {
    expect(mistakesOf(() => load({ 'outrider.yaml': 'a: 1\na: 2', 'routes.yaml': 'b: [' }))).toHaveLength(2);
  });
});

describe('the hash', () => {
  const hash = (files: Record<string, string>, env = {}) => load(files, env).settings.hash;

  test('has 16 hex digits and follows every byte of every file', () => {
    const both = { 'outrider.yaml': 'log: {}', 'routes.yaml': plainRoutes };
    expect(hash(both)).toMatch(/^[0-9a-f]{16}$/);
    expect(hash(both)).toBe(hash({ ...both }));
    expect(hash({ ...both, 'routes.yaml': `${plainRoutes}#` })).not.toBe(hash(both));
    expect(hash({ ...both, 'outrider.yaml': 'log: {} ' })).not.toBe(hash(both));
  });

  test('of the environment alone follows the variables that count', () => {
    const of = (env: Record<string, string>) => loadConfig({ env }).settings.hash;
    expect(of({ BACKEND_URL: 'http://x:1' })).not.toBe(of({ BACKEND_URL: 'http://x:2' }));
    expect(of({ BACKEND_URL: 'http://x:1', HOME: '/' })).toBe(of({ BACKEND_URL: 'http://x:1' }));
  });
});

describe('the settings', () => {
  test('are plain data that can cross between threads', () => {
    const { settings } = loadRoutes('rules: [{name: a, target: qa, match: {headers: {x: {absent: true}}}}]');
    expect(structuredClone(settings)).toEqual(settings);
  });

  test('a target in short form has every default', () => {
    expect(loadRoutes('').settings.routes.targets[0]).toEqual({
      name: 'prod',
      urls: [{ url: 'http://127.0.0.1:1', weight: 1 }],
      balance: 'roundRobin',
      hostHeader: 'target',
      request: { headers: { set: {}, add: {}, remove: [] } },
      timeouts: { connect: 2000, response: 30_000, idle: 30_000, total: 0 },
      retry: { attempts: 1, when: ['connect'], methods: [] },
      circuitBreaker: { failures: 5, openFor: 10_000 },
      connections: { max: 256, waiting: 1024, maxAge: 300_000 },
      tls: {
        ca: '',
        cert: '',
        key: '',
        serverName: '',
        minVersion: 'TLSv1.2',
        verify: true,
        legacyRenegotiation: false,
      },
    });
  });

  test('a rule has every default, and the default is a rule', () => {
    const { rules, defaultRule } = loadRoutes('rules: [{name: a, target: qa}]').settings.routes;
    expect(defaultRule).toEqual({ ...rules[0], name: 'default', target: 'prod' });
    expect(rules[0]).toEqual({
      name: 'a',
      match: { listeners: [], methods: [], hosts: [], paths: [], headers: {}, query: {} },
      request: { headers: { set: {}, add: {}, remove: [] }, path: { replacePrefix: null } },
      response: { headers: { set: {}, add: {}, remove: [] } },
      target: 'qa',
      timeouts: { connect: null, response: null, idle: null, total: null },
      capture: {
        when: [
          'connect',
          'dns',
          'tls',
          'timeout',
          'reset',
          'protocol',
          'truncated',
          'clientAbort',
          '502',
          '503',
          '504',
        ],
        methods: [],
        answer: 'relay',
      },
    });
  });

  test('statuses may be written as numbers', () => {
    const { rules } = loadRoutes('rules: [{name: a, target: qa, capture: {when: [502, 4xx, all]}}]').settings.routes;
    expect(rules[0]?.capture.when).toEqual(['502', '4xx', 'all']);
  });

  test('a friendly answer is kept with its templates', () => {
    const body = `$\{id}`;
    const rule = `rules: [{name: a, target: qa, capture: {answer: {body: "${body}"}}}]`;
    expect(loadRoutes(rule).settings.routes.rules[0]?.capture.answer).toEqual({
      status: 503,
      headers: {},
      body,
    });
  });

  test('an idle connection is kept for 1h on loopback and 60s beyond, unless it is said', () => {
    const text =
      'listeners: [{name: a, address: "[::1]:1"}, {name: b, address: "*:2"}, {name: c, address: "*:3", keepAlive: 5s}]';
    expect(loadProcess(text).settings.process.listeners.map(({ keepAlive }) => keepAlive)).toEqual([
      3_600_000, 60_000, 5000,
    ]);
  });

  test('where every listener has a target the default is reject', () => {
    const files = {
      'outrider.yaml': 'listeners: [{name: a, address: "localhost:1", target: x}]',
      'routes.yaml': 'targets: {x: "http://x"}',
    };
    expect(load(files).settings.routes.default).toBe('reject');
  });

  test('10,000 rules are read within seconds', () => {
    const rules = Array.from(
      { length: 10_000 },
      (_, i) => `  - {name: r${i}, match: {headers: {environment: e${i}}}, target: qa}\n`,
    );
    const start = performance.now();
    expect(loadRoutes(`rules:\n${rules.join('')}`).settings.routes.rules).toHaveLength(10_000);
    expect(performance.now() - start).toBeLessThan(15_000);
  });
});

describe('bufferBytes: auto', () => {
  const auto = (files: Record<string, string>) =>
    loadConfig({
      path: 'c',
      env: {},
      listDir: () => null,
      readFile: (file) => (file === 'c' ? plainRoutes : (files[file] ?? null)),
    }).settings.process.limits.bufferBytes;

  test.each([
    ['a quarter of the limit of cgroup v2', { '/sys/fs/cgroup/memory.max': '67108864\n' }, 16 << 20],
    ['64 MiB without a limit in cgroup v2', { '/sys/fs/cgroup/memory.max': 'max\n' }, 64 << 20],
    ['a quarter of the limit of cgroup v1', { '/sys/fs/cgroup/memory/memory.limit_in_bytes': '134217728' }, 32 << 20],
    [
      '64 MiB without a limit in cgroup v1',
      { '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712' },
      64 << 20,
    ],
    ['64 MiB where there are no control groups', {}, 64 << 20],
  ])('is %s', (_, files, bytes) => {
    expect(auto(files)).toBe(bytes);
  });

  test('a size of one’s own is taken, and one that is too small refused', () => {
    expect(loadProcess('limits: {bufferBytes: 2Mi}').settings.process.limits.bufferBytes).toBe(2 << 20);
    expect(() => loadProcess('limits: {bufferBytes: 2Ki}')).toThrow(
      /limits\.bufferBytes: found "2Ki"; at least 1048576 bytes/,
    );
  });
});

describe('the example', () => {
  test('loads, and its addresses are the documented ones', () => {
    const { settings, warnings } = loadConfig({ path: 'example', env: {} });
    expect(warnings).toEqual([]);
    expect(settings.process.listeners.map(({ address }) => address)).toEqual(['localhost:5000']);
    expect(settings.routes.rules.map(({ name, target }) => [name, target])).toEqual([
      ['dev', 'dev'],
      ['qa', 'qa'],
      ['broken', 'broken'],
    ]);
    expect(settings.routes.tests).toHaveLength(2);
  });
});

(existsSync(reference) ? describe : describe.skip)('the reference of keys', () => {
  test('every key is known, every default is the default: only what has none is "not in this version"', () => {
    const text = readFileSync(reference, 'utf8');
    expect(
      mistakesOf(() => load({ 'all.yaml': text }, {}, 'all.yaml')).map((line) => line.replace(/^\S+ /, '')),
    ).toEqual([
      'rateLimits: not in this version: leave it out, or at its default {}',
      'rules[0].rateLimit: not in this version: leave it out, or at its default ""',
      'rules[0].fault: not in this version: leave it out',
    ]);
  });

  test('without its rules and targets it is exactly the defaults', () => {
    const [process = ''] = readFileSync(reference, 'utf8').split(/^targets:$/m);
    const { settings } = load({ 'outrider.yaml': process, 'routes.yaml': plainRoutes });
    expect(settings.process).toEqual(load({ 'routes.yaml': plainRoutes }).settings.process);
  });
});
