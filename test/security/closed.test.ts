/** Nobody reaches more than a listener is for: no open proxy, no admin API, no names of JavaScript's own, no bounds. */
import { networkInterfaces } from 'node:os';
import { gzipSync } from 'node:zlib';
import { answering, startTarget, type Target } from '../helpers/node-target.ts';
import { type Outrider, startOutrider } from '../helpers/outrider.ts';
import { type RunningPath, startPath } from '../helpers/path.ts';
import { closedPort } from '../helpers/ports.ts';
import { sendRaw } from '../helpers/raw-client.ts';
import { startRawTarget } from '../helpers/raw-target.ts';
import { waitFor } from '../helpers/wait.ts';
import { load, mistakesOf } from '../runtime/config/config-files.ts';

const get = (line: string, host = 'a', more = ''): string => `${line} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
const statusOf = async (port: number, bytes: string): Promise<number | undefined> =>
  (await sendRaw(port, bytes, { responses: 1 })).responses[0]?.status;

describe('S04 no open proxy', () => {
  let inside: Target;
  let target: Target;
  let path: RunningPath;
  let hidden: string;

  beforeAll(async () => {
    inside = await startTarget(answering(200, 'metadata'), { shared: true });
    target = await startTarget(answering(200, 'target'), { shared: true });
    hidden = new URL(inside.url).host;
    path = await startPath({
      routes: {
        targets: { prod: { urls: [{ url: target.url }], hostHeader: 'preserve' } },
        rules: [{ name: 'own', match: { hosts: ['api.test'] }, target: 'prod' }],
        default: 'reject',
      },
      shared: true,
    });
  });

  test.each([
    ['an absolute form for another host', () => get(`GET http://${hidden}/latest/meta-data/`, hidden), 404],
    ['an absolute form whose Host says another', () => get(`GET http://${hidden}/`, 'api.test'), 404],
    ['a Host of another', () => get('GET /latest/meta-data/', hidden), 404],
    ['a Host of the metadata service', () => get('GET /latest/meta-data/', '169.254.169.254'), 404],
    ['an absolute form with credentials', () => get(`GET http://api.test@${hidden}/`, 'api.test'), 400],
    ['an absolute form behind a backslash', () => get(`GET http://api.test\\@${hidden}/`, 'api.test'), 400],
    ['another scheme', () => get(`GET ftp://${hidden}/`, 'api.test'), 400],
    ['a scheme and no host', () => get('GET http:///etc/passwd', 'api.test'), 400],
    ['a file', () => get('GET file:///etc/passwd', 'api.test'), 400],
    ['two Hosts', () => get('GET /', 'api.test', `Host: ${hidden}\r\n`), 400],
    ['CONNECT', () => get(`CONNECT ${hidden}`, hidden), 501],
    ['CONNECT with a path', () => get('CONNECT /x', 'api.test'), 501],
  ])('%s: the address is not asked', async (_, bytes, status) => {
    expect(await statusOf(path.port, bytes())).toBe(status);
    expect(inside.requests).toEqual([]);
    expect(target.requests).toEqual([]);
  });

  test.each([
    ['an absolute form for a configured host', () => get('GET http://api.test/x', hidden), '/x'],
    ['a path that looks like a URL', () => get(`GET /http://${hidden}/x`, 'api.test'), null],
    ['a path that begins with two slashes', () => get(`GET //${hidden}/x`, 'api.test'), null],
    ['X-Forwarded-Host', () => get('GET /y', 'api.test', `X-Forwarded-Host: ${hidden}\r\n`), '/y'],
    ['X-Original-URL', () => get('GET /z', 'api.test', `X-Original-URL: http://${hidden}/\r\n`), '/z'],
  ])('%s: the target of the rule gets it', async (_, bytes, uri) => {
    const before = target.requests.length;
    expect(await statusOf(path.port, bytes())).toBe(200);
    expect(target.requests).toHaveLength(before + 1);
    if (uri !== null) expect(target.last().uri).toBe(uri);
    expect(inside.requests).toEqual([]);
  });
});

describe('S07 the admin API', () => {
  let outrider: Outrider;
  let target: Target;

  beforeAll(async () => {
    target = await startTarget(answering(200, 'target'), { shared: true });
    outrider = await startOutrider({
      outrider: { listeners: [{ name: 'ambassador', address: '*:0' }] },
      routes: { targets: { prod: target.url }, default: 'prod' },
      shared: true,
    });
  });

  const adminPort = (): number => Number(new URL(outrider.adminUrl).port);
  const own = (): string => new URL(outrider.adminUrl).host;

  test('S07 is not there for other hosts: the address of the pod is refused', async () => {
    const others = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    const pod = others.find(({ internal, family }) => !internal && family === 'IPv4')?.address;
    if (pod === undefined) return console.log('skipped: this machine has loopback alone');
    await expect(fetch(`http://${pod}:${adminPort()}/api/ledger`)).rejects.toThrow('fetch failed');
    expect((await fetch(`http://${pod}:${outrider.port}/`)).status).toBe(200);
  });

  test.each(['evil.test', '169.254.169.254', 'localhost.evil.test', '127.0.0.1.nip.io', '[::ffff:10.0.0.1]'])(
    'S07 a name that was rebound to this address, Host: %s, is refused',
    async (host) => {
      for (const path of ['/api/ledger', '/api/records', '/api/config', '/']) {
        expect(await statusOf(adminPort(), get(`GET ${path}`, `${host}:${adminPort()}`))).toBe(403);
      }
    },
  );

  test.each([
    'Origin: http://evil.test\r\n',
    'Origin: null\r\n',
    'Origin: http://localhost.evil.test\r\n',
    'Sec-Fetch-Site: cross-site\r\n',
  ])('S07 a page of another site, %j, is refused', async (fields) => {
    expect(await statusOf(adminPort(), get('GET /api/ledger', own(), fields))).toBe(403);
    expect(await statusOf(adminPort(), get('POST /api/purges', own(), `${fields}Content-Length: 0\r\n`))).toBe(403);
    expect(await statusOf(adminPort(), get('OPTIONS /api/ledger', own(), fields))).toBe(403);
  });

  test('S07 no answer lets another site read it', async () => {
    const { responses } = await sendRaw(adminPort(), get('GET /api/ledger', own()), { responses: 1 });
    expect(responses[0]?.status).toBe(200);
    expect(responses[0]?.header('access-control-allow-origin')).toBeUndefined();
  });

  test.each(['DELETE', 'PUT', 'PATCH', 'POST', 'TRACE'])('S07 %s changes nothing there', async (method) => {
    const status = await statusOf(adminPort(), get(`${method} /api/ledger`, own(), 'Content-Length: 0\r\n'));
    expect([400, 404, 405, 501]).toContain(status);
  });

  test('S07 a traffic port never serves it: its paths go to the target like any other', async () => {
    const before = target.requests.length;
    const answers = await Promise.all(
      ['/api/ledger', '/api/config', '/metrics', '/livez', '/.outrider/requests/x'].map((path) =>
        fetch(`${outrider.url}${path}`).then((answer) => answer.text()),
      ),
    );
    expect(new Set(answers)).toEqual(new Set(['target']));
    expect(target.requests).toHaveLength(before + 5);
  });

  test('S07 a route to it is refused, whatever the caller sends: being on this machine proves nothing then', async () => {
    const own = await startOutrider({ routes: { targets: { prod: target.url }, default: 'prod' } });
    own.editRoutes({ targets: { own: own.adminUrl.replace('127.0.0.1', 'localhost') }, default: 'own' });
    const ask = async (fields: string) => {
      const bytes = get('GET /api/config', 'localhost', fields);
      return (await sendRaw(own.port, bytes, { responses: 1 })).responses[0];
    };
    await waitFor(async () => (await ask(''))?.status !== 200, { what: 'the new route' });
    for (const fields of [
      '',
      'Connection: x-forwarded-for\r\n',
      'Via: 1.1 other\r\n',
      'Forwarded: for=127.0.0.1\r\n',
    ]) {
      const answer = await ask(fields);
      expect([answer?.status, String(answer?.body)]).toEqual([403, expect.stringContaining('through a proxy')]);
    }
  });

  test('S07 the port of the metrics shows no record and no configuration', async () => {
    for (const path of ['/api/ledger', '/api/records', '/api/config']) {
      expect((await fetch(`${outrider.metricsUrl}${path}`)).status).toBe(404);
    }
  });
});

const NAMES = ['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString', 'valueOf', '__defineGetter__'];

describe('S12 names that objects of JavaScript have', () => {
  const unpolluted = (): void => {
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
    expect(String({})).toBe('[object Object]');
  };

  test('as headers, query keys, form fields and JSON keys they are names like any other', async () => {
    const target = await startTarget(answering(500, 'no'));
    const path = await startPath({
      routes: {
        targets: { prod: target.url },
        rules: [
          { name: 'never', match: { headers: { constructor: 'x', hasOwnProperty: 'y' } }, target: 'prod' },
          {
            name: 'all',
            target: 'prod',
            request: {
              headers: { set: { 'x-query': '${query:__proto__|none}', 'x-header': '${header:constructor|none}' } },
            },
            capture: { when: ['5xx'] },
          },
        ],
      },
    });
    for (const name of NAMES) {
      const body = `{"${name}": {"polluted": "yes"}, "a": [{"__proto__": {"polluted": 1}}]}`;
      const fields = `${name}: v1\r\n${name}: v2\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
      const bytes = get(`POST /x?${name}=q&${name}[polluted]=yes&__proto__.polluted=yes`, 'a', fields) + body;
      expect(await statusOf(path.port, bytes)).toBe(500);
      const { rawHeaders, headers } = target.last();
      const values = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1] === name);
      expect(values).toEqual(['v1', 'v2']);
      expect(headers['x-query']).toBe(name === '__proto__' ? 'q' : 'none');
      expect(headers['x-header']).toBe(name === 'constructor' ? 'v1, v2' : 'none');
      expect(path.captures.at(-1)?.rule).toBe('all');
    }
    unpolluted();
  });

  test('an answer may have them too', async () => {
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      const fields = NAMES.map((name) => `${name}: v\r\n`).join('');
      await connection.send(
        `HTTP/1.1 103 Early Hints\r\n${fields}\r\nHTTP/1.1 200 OK\r\n${fields}Content-Length: 0\r\n\r\n`,
      );
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const { responses } = await sendRaw(path.port, get('GET /'), { responses: 1 });
    expect(responses.map(({ status }) => status)).toEqual([103, 200]);
    for (const name of NAMES) expect(responses.map((answer) => answer.header(name))).toEqual(['v', 'v']);
    unpolluted();
  });

  test.each([
    '__proto__: {polluted: true}\ntargets: {a: "http://x"}\ndefault: a\n',
    'targets: {__proto__: "http://x", a: "http://x"}\ndefault: a\n',
    'targets: {a: {urls: [{url: "http://x"}], __proto__: {polluted: true}}}\ndefault: a\n',
    'targets: {a: "http://x"}\nrules: [{name: r, target: a, match: {headers: {__proto__: x}}}]\ndefault: a\n',
    'targets: {a: "http://x"}\nrules: [{name: r, target: a, match: {query: {__proto__: x}}}]\ndefault: a\n',
    'targets: {a: "http://x"}\nrules: [{name: r, target: a, request: {headers: {set: {__proto__: x}}}}]\ndefault: a\n',
    'targets: {a: "http://x"}\ndefault: constructor\n',
    'targets: {a: "http://x"}\nrules: [{name: r, target: toString}]\ndefault: a\n',
    'targets: {a: "http://x"}\nconstructor: {}\ndefault: a\n',
    'key: x\nrewrites: {__proto__: {destination: "http://x"}}\ndestination: "http://x"\n',
  ])('in a configuration they are names, or a mistake: %j', (text) => {
    expect(mistakesOf(() => load({ 'routes.yaml': text }))).not.toEqual([]);
    unpolluted();
  });

  test('a target, a rule and a header may be called constructor', () => {
    const text = `targets: {constructor: "http://x"}
rules: [{name: toString, target: constructor, match: {headers: {constructor: x}, query: {valueOf: y}}}]
default: constructor
`;
    const [rule] = load({ 'routes.yaml': text }).settings.routes.rules;
    expect(rule).toMatchObject({ name: 'toString', target: 'constructor' });
    expect(Object.entries(rule?.match.headers ?? {})).toEqual([['constructor', 'x']]);
    expect(Object.entries(rule?.match.query ?? {})).toEqual([['valueOf', 'y']]);
  });

  test('as filters of the admin API, and in what it shows, they are text', async () => {
    const routes = { targets: { prod: `http://127.0.0.1:${await closedPort()}` }, default: 'prod' };
    const outrider = await startOutrider({ routes });
    for (const name of NAMES) {
      const body = `{"${name}": {"password": "hidden-value", "polluted": 1}}`;
      const headers = { [name]: 'v', 'content-type': 'application/json' };
      const answer = await fetch(`${outrider.url}/?${name}=q`, { method: 'POST', headers, body });
      const record = await outrider.record(answer.headers.get('outrider-record') ?? '');
      expect(JSON.stringify(record)).toContain(name);
      expect(JSON.stringify(record)).not.toContain('hidden-value');
      const listed = await fetch(`${outrider.adminUrl}/api/records?${name}=x&rule=${name}&state=held&__proto__[a]=1`);
      expect([200, 400]).toContain(listed.status);
    }
    expect((await fetch(`${outrider.adminUrl}/api/__proto__`)).status).toBe(404);
    expect((await outrider.metrics()).all.length).toBeGreaterThan(0);
  });
});

test('S14 a bomb in a kept body is not unpacked: its record says how large it was, and memory stays', async () => {
  const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
  const routes = { targets: { prod: `http://127.0.0.1:${await closedPort()}` }, default: 'prod' };
  const outrider = await startOutrider({ routes, nodeArgs: ['--max-old-space-size=64'] });
  const headers = { 'content-encoding': 'gzip', 'content-type': 'application/json' };
  for (let i = 0; i < 5; i++) {
    const answer = await fetch(outrider.url, { method: 'POST', headers, body: bomb });
    const id = answer.headers.get('outrider-record') ?? '';
    expect(await outrider.record(id)).toMatchObject({ body_bytes: bomb.length });
  }
  const rss = (await outrider.metrics()).value('process_resident_memory_bytes');
  expect(rss).toBeLessThan(400 * 1024 * 1024);
});

test('S14 a body without end is read as far as capture.body, and its caller gets an answer', async () => {
  const routes = { targets: { prod: `http://127.0.0.1:${await closedPort()}` }, default: 'prod' };
  const path = await startPath({ process: { capture: { body: '1Mi', readWait: '1s' } }, routes });
  const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
  const endless = get('POST /', 'a', 'Transfer-Encoding: chunked\r\n') + chunk.repeat(160);
  const { responses } = await sendRaw(path.port, endless, { responses: 1 });
  expect(responses[0]?.status).toBe(502);
  expect(responses[0]?.header('outrider-capture')).toBe('partial');
  expect(path.captures[0]?.body).toMatchObject({ truncated: true });
});
