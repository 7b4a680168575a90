import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import request from 'supertest';
import { SpoolError } from '../../../src/record/spool-error.ts';
import type { KeptRecord } from '../../../src/record/states.ts';
import { type AdminOptions, createAdminApp } from '../../../src/watch/api/admin.ts';
import { startAdmin } from '../../../src/watch/api/start-admin.ts';
import { STATES } from '../../../src/watch/labels.ts';
import { cleanUp, temporaryFolder } from '../../helpers/cleanup.ts';
import { spoolStats } from '../sources.ts';
import { adminOptions, idOf, kept, memoryRecords, settingsWith } from './fixtures.ts';

const admin = (over: Partial<AdminOptions> = {}) => request(createAdminApp(adminOptions(over)));

function expectProblem(answer: request.Response, status: number, detail: RegExp): void {
  expect([answer.status, answer.type]).toEqual([status, 'application/problem+json']);
  expect(JSON.parse(answer.text)).toEqual({
    type: 'about:blank',
    title: expect.any(String),
    status,
    detail: expect.stringMatching(detail),
  });
}

describe('GET /api/records', () => {
  const all = [
    kept(1),
    kept(2, { state: 'delivered', mirror: 'mirrored' }, { rule: 'orders', target: 'qa', reason: 'timeout' }),
    kept(3, { mirror: 'parked', mirrorReason: 'MESSAGE_TOO_LARGE' }),
    kept(4),
  ];
  const api = () => admin({ records: () => memoryRecords(all) });
  const idsOf = (answer: request.Response): string[] => answer.body.records.map(({ id }: { id: string }) => id);

  test('lists what is kept, newest first, without bodies, with state and mirror', async () => {
    const answer = await api()
      .get('/api/records')
      .expect(200)
      .expect('content-type', /application\/json/);
    expect(idsOf(answer)).toEqual([4, 3, 2, 1].map(idOf));
    expect(answer.body.next).toBeNull();
    expect(answer.body.records[1]).toEqual({
      id: idOf(3),
      uri: '/orders/3',
      body: '',
      body_omitted: true,
      state: 'held',
      mirror: 'parked',
      mirror_reason: 'MESSAGE_TOO_LARGE',
    });
    expect(answer.body.records[0]).not.toHaveProperty('mirror_reason');
  });

  test('pages by the sequence number, without a gap or a repetition', async () => {
    const seen: string[] = [];
    let cursor = '';
    for (let pages = 1; ; pages++) {
      const answer = await api().get(`/api/records?limit=2&cursor=${cursor}`).expect(200);
      seen.push(...idsOf(answer));
      if (answer.body.next === null) {
        expect(pages).toBe(2);
        break;
      }
      cursor = answer.body.next;
    }
    expect(seen).toEqual([4, 3, 2, 1].map(idOf));
  });

  test.each([
    ['state=delivered', [2]],
    ['mirror=mirrored', [2]],
    ['mirror=parked', [3]],
    ['rule=orders', [2]],
    ['target=prod', [4, 3, 1]],
    ['reason=timeout', [2]],
    ['since=1700000003', [4, 3]],
    ['since=2023-11-14T22:13:24Z', [4]],
    ['since=9999d', [4, 3, 2, 1]],
    ['since=1s', []],
    ['state=held&limit=1&cursor=4', [3]],
    ['state=&rule=', [4, 3, 2, 1]],
  ])('with %s finds %j', async (query, seqs) => {
    expect(idsOf(await api().get(`/api/records?${query}`).expect(200))).toEqual(seqs.map(idOf));
  });

  test('a page ends early where its records are large, and tells where the next begins', async () => {
    const all = Array.from({ length: 120 }, (_, n) => kept(n + 1));
    const toRecord = ({ id }: KeptRecord): object => ({ id, response: { body: 'x'.repeat(100_000) } });
    const large = () => admin({ records: () => memoryRecords(all), toRecord });
    const seen: string[] = [];
    let next: string | null = '';
    let pages = 0;
    while (next !== null) {
      const answer: request.Response = await large().get(`/api/records?limit=1000&cursor=${next}`).expect(200);
      expect(answer.text.length).toBeLessThan(5_000_000);
      seen.push(...idsOf(answer));
      next = answer.body.next;
      pages += 1;
    }
    expect(seen).toEqual(all.map(({ id }) => id).reverse());
    expect(pages).toBe(3);
  });

  test.each([
    ['state=gone', /state is one of pending, .* not "gone"/],
    ['mirror=lost', /mirror is one of none, waiting, mirrored, parked, not "lost"/],
    ['reason=bad', /reason is one of connect/],
    ['since=yesterday', /since is a time/],
    ['since=2023-13-45', /since is a time/],
    ['limit=0x10', /limit is a number up to 1000/],
    ['limit=1001', /limit is a number up to 1000/],
    ['limit=-1', /limit/],
    ['cursor=abc', /cursor is a number/],
    ['colour=red', /no parameter "colour"; there are state, mirror, rule/],
    ['state=held&state=dead', /state is given twice/],
    ['__proto__=1', /no parameter "__proto__"/],
  ])('answers 400 to %s and says what is allowed', async (query, detail) => {
    expectProblem(await api().get(`/api/records?${query}`), 400, detail);
  });

  test('answers 503 while the spool is away', async () => {
    expectProblem(await admin({ records: () => null }).get('/api/records'), 503, /spool is not available/);
  });
});

describe('GET /api/records/:id', () => {
  const api = (over: Partial<AdminOptions> = {}) =>
    admin({ records: () => memoryRecords([kept(1), kept(2, { storedBytes: 10_000 })]), ...over });

  test('gives one record with its body, state and mirror', async () => {
    const answer = await api()
      .get(`/api/records/${idOf(1).toUpperCase()}`)
      .expect(200);
    expect(answer.body).toEqual({
      id: idOf(1),
      uri: '/orders/1',
      body: 'body1',
      body_omitted: false,
      state: 'held',
      mirror: 'waiting',
    });
  });

  test.each([
    ['UTF-8 beyond the basic plane', '😀é"\\\u0000\n'.repeat(40_000)],
    ['base64', 'QUJD'.repeat(100_000)],
  ])('gives a large body of %s in pieces, as it was', async (_, body) => {
    const toRecord = (): object => ({ id: idOf(1), 'x.body': '', body, body_omitted: false });
    const answer = await api({ toRecord })
      .get(`/api/records/${idOf(1)}`)
      .expect(200)
      .expect('content-type', 'application/json; charset=utf-8');
    expect(answer.body.body === body).toBe(true);
    expect(Object.keys(answer.body)).toEqual(['id', 'x.body', 'body', 'body_omitted', 'state', 'mirror']);
  });

  test('leaves out a body over the limit', async () => {
    const answer = await api({ maxBodyBytes: 9_999 })
      .get(`/api/records/${idOf(2)}`)
      .expect(200);
    expect(answer.body).toMatchObject({ body: '', body_omitted: true });
  });

  test('answers 404 for an id that is not kept', async () => {
    expectProblem(await api().get(`/api/records/${idOf(9)}`), 404, /no record 0199c3a1/);
  });

  test.each(['x', '..%2f..%2fetc%2fpasswd', '0199c3a1', `${idOf(1)}x`, '%00'])(
    'answers 400 to the id %s',
    async (id) => {
      expectProblem(await api().get(`/api/records/${id}`), 400, /an id is a UUID/);
    },
  );

  test('answers 400 to an id that is not even encoded rightly', async () => {
    expectProblem(await api().get('/api/records/%E0%A4%A'), 400, /malformed/);
  });

  test('a fault inside is a 500 without internals, and is reported', async () => {
    const reported: unknown[] = [];
    const broken = {
      ...memoryRecords([]),
      get: () => {
        throw new Error('/var/spool/secret.db is corrupt');
      },
    };
    const answer = await api({ records: () => broken, report: (error) => reported.push(error) }).get(
      `/api/records/${idOf(1)}`,
    );
    expectProblem(answer, 500, /inside Outrider/);
    expect(answer.text).not.toContain('spool/secret');
    expect(reported).toEqual([expect.objectContaining({ message: '/var/spool/secret.db is corrupt' })]);
  });
});

test('a spool that is just being replaced is 503, for it will be back', async () => {
  const fail = (): never => {
    throw new SpoolError('read', 'corrupt', '/var/spool/secret.db is damaged');
  };
  const answer = await admin({ records: () => ({ list: fail, get: fail, body: fail }) }).get('/api/records');
  expectProblem(answer, 503, /try again/);
  expect(answer.text).not.toContain('secret');
});

describe('GET /api/ledger', () => {
  test('tells what was captured, every state, and the difference', async () => {
    const records = { ...spoolStats().records, held: 4, delivered: 3 };
    const answer = await admin({ spool: () => spoolStats({ records, captured: 9 }) })
      .get('/api/ledger')
      .expect(200);
    const { lost } = spoolStats();
    expect(answer.body).toEqual({ captured: 9, states: records, lost, difference: 2 });
    expect(Object.keys(answer.body.states)).toEqual(STATES);
  });

  test('verify=true adds what counting every row has found', async () => {
    const { records } = spoolStats();
    const verification = {
      captured: 3,
      states: records,
      difference: 3,
      claimed: records,
      secondCount: 4,
      agrees: false,
    };
    const answer = await admin({ verify: () => verification })
      .get('/api/ledger?verify=true')
      .expect(200);
    expect(answer.body).toMatchObject({ captured: 3, verified: { claimed: records, secondCount: 4, agrees: false } });
    expect((await admin({ verify: () => verification }).get('/api/ledger')).body.verified).toBeUndefined();
    expectProblem(await admin().get('/api/ledger?verify=yes'), 400, /verify=true/);
    expectProblem(await admin().get('/api/ledger?verfy=true'), 400, /verify=true/);
  });

  test('answers 503 while the spool is away', async () => {
    expectProblem(await admin({ spool: () => null }).get('/api/ledger'), 503, /ledger/);
  });
});

describe('GET /api/config', () => {
  test('shows the configuration without its secrets, templates as text', async () => {
    const answer = await admin({ settings: () => settingsWith('hunter2') })
      .get('/api/config')
      .expect(200);
    expect(answer.text).not.toContain('hunter2');
    const { process, routes, hash } = answer.body;
    expect(hash).toBe('0123456789abcdef');
    expect(process.admin.tokens.read).toBe('/run/tokens/read');
    expect(process.capture.redact.headers).toEqual(['authorization', 'x-odd']);
    expect(routes.targets[0].urls[0].url).toBe('http://***@api:3000/v1?pin=***&page=1');
    expect(routes.targets[0].tls.key).toBe('/run/tls/key.pem');
    expect(routes.targets[0].request.headers.set).toEqual({ 'X-Odd': '${env:ODD}***' });
    expect(routes.rules[0].request.headers).toEqual({
      set: {
        authorization: 'Bearer ${file:/run/token|***}',
        'X-Vendor-Token': '***',
        'X-Upstream': 'Bearer [redacted]',
        host1a: 'qa',
        'x-id': '${id}',
      },
      add: { cookie: '***${id}' },
      remove: ['x-internal'],
    });
    expect(routes.rules[0].match.headers).toEqual({ 'x-api-key': ['***', '***'], environment: 'qa' });
    expect(routes.rules[0].match.query).toEqual({ access_token: '***', version: '2' });
    expect(routes.rules[0].capture.answer.body).toBe('kept as ${id}');
    expect(routes.tests[0].headers).toEqual({ authorization: '***' });
  });
});

describe('any request', () => {
  test.each(['post', 'put', 'patch', 'delete'] as const)('%s changes nothing: 405 with Allow', async (method) => {
    for (const path of ['/api/records', `/api/records/${idOf(1)}`, '/api/ledger', '/api/config']) {
      const answer = await admin()[method](path).send({ a: 1 });
      expectProblem(answer, 405, /use GET, HEAD/);
      expect(answer.headers.allow).toBe('GET, HEAD');
    }
  });

  test('HEAD answers as GET does, without the body', async () => {
    const answer = await admin().head('/api/ledger').expect(200);
    expect(answer.text).toBeUndefined();
  });

  test.each(['/', '/api', '/API/records', '/api/records/x/y', '/metrics'])('answers 404 at %s', async (path) => {
    expectProblem(await admin().get(path), 404, /there is no/);
  });

  test('a body that is too large or no JSON is refused, and nothing tells of Express', async () => {
    const large = await admin()
      .post('/api/records')
      .send({ a: 'x'.repeat(70_000) });
    expectProblem(large, 413, /larger/);
    const broken = await admin().post('/api/records').set('content-type', 'application/json').send('{"a":');
    expectProblem(broken, 400, /malformed/);
    expect(broken.headers).not.toHaveProperty('x-powered-by');
  });

  test('answers are never stored or sniffed', async () => {
    const { headers } = await admin().get('/api/ledger');
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });
});

describe('S07 who may ask', () => {
  test.each(['localhost', 'localhost:5091', 'LOCALHOST:1', '127.0.0.1:8080', '127.9.9.9', '[::1]:5091'])(
    'the Host %s is ours',
    async (host) => {
      await admin().get('/api/ledger').set('host', host).expect(200);
    },
  );

  test.each([
    'evil.example',
    'localhost.evil.example:5091',
    '10.0.0.1:5091',
    'localhost:5091@evil',
    '127.0.0.1.nip.io',
    '[::2]',
    '*',
  ])('the Host %s is refused with 403', async (host) => {
    expectProblem(await admin().get('/api/ledger').set('host', host), 403, /Host/);
  });

  test('a request of HTTP/1.0 without a Host is refused', async () => {
    const listening = await startAdmin(adminOptions({ address: '127.0.0.1:0' }));
    cleanUp(() => listening.close());
    const status = await new Promise((resolve, reject) => {
      const sent = httpRequest(
        { port: listening.port, host: '127.0.0.1', path: '/api/ledger', setHost: false },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        },
      );
      sent.on('error', reject).end();
    });
    expect([400, 403]).toContain(status);
  });

  test('the name that admin.address binds is ours too', async () => {
    await admin({ address: 'outrider.svc:5091' }).get('/api/ledger').set('host', 'Outrider.svc:5091').expect(200);
    expectProblem(await admin({ address: '*:5091' }).get('/api/ledger').set('host', '*'), 403, /Host/);
  });

  test.each([
    ['origin', 'http://evil.example'],
    ['origin', 'null'],
    ['origin', 'http://localhost:9999'],
    ['sec-fetch-site', 'cross-site'],
    ['sec-fetch-site', 'same-site'],
  ])('a browser that sends %s: %s is refused with 403', async (name, value) => {
    expectProblem(await admin().get('/api/ledger').set('host', 'localhost:5091').set(name, value), 403, /another/);
  });

  test.each([
    ['via', '1.1 outrider-x'],
    ['x-forwarded-for', '10.0.0.9'],
    ['forwarded', 'for=10.0.0.9'],
  ])('what came through a proxy (%s) is refused with 403', async (name, value) => {
    const asked = admin().get('/api/ledger').set('host', 'localhost:5091').set(name, value);
    expectProblem(await asked, 403, /set admin\.tokens\.read/);
  });

  test('a browser on our own page may ask', async () => {
    const own = { host: 'localhost:5091', origin: 'http://localhost:5091', 'sec-fetch-site': 'same-origin' };
    await admin().get('/api/ledger').set(own).expect(200);
  });

  describe('with tokens', () => {
    const files = () => {
      const folder = temporaryFolder();
      const tokens = { read: join(folder, 'read'), operate: join(folder, 'operate') };
      writeFileSync(tokens.read, 'reader-1\n');
      writeFileSync(tokens.operate, 'operator-1\n');
      return tokens;
    };
    const ask = (tokens: AdminOptions['tokens'], authorization?: string) => {
      const asked = admin({ tokens }).get('/api/ledger');
      return authorization === undefined ? asked : asked.set('authorization', authorization);
    };

    test('both may read, nobody else', async () => {
      const tokens = files();
      await ask(tokens, 'Bearer reader-1').expect(200);
      await ask(tokens, 'bearer operator-1').expect(200);
      for (const wrong of [
        undefined,
        'Bearer',
        'Bearer ',
        'Bearer reader',
        'Bearer reader-12',
        'Basic cmVhZGVyLTE=',
        'reader-1',
      ]) {
        const answer = await ask(tokens, wrong);
        expectProblem(answer, 401, /token/);
        expect(answer.headers['www-authenticate']).toBe('Bearer realm="outrider"');
      }
    });

    test('a replaced file counts from the next request on, and may hold the old and the new token', async () => {
      const tokens = files();
      writeFileSync(`${tokens.read}.new`, 'reader-1\nreader-2\n');
      renameSync(`${tokens.read}.new`, tokens.read);
      await ask(tokens, 'Bearer reader-1').expect(200);
      await ask(tokens, 'Bearer reader-2').expect(200);
      writeFileSync(tokens.read, 'reader-2');
      await ask(tokens, 'Bearer reader-1').expect(401);
    });

    test('an empty or missing file lets nobody in', async () => {
      const tokens = files();
      writeFileSync(tokens.read, '\n');
      await ask(tokens, 'Bearer ').expect(401);
      rmSync(tokens.read);
      expectProblem(await ask(tokens, 'Bearer reader-1'), 503, /token file can't be read \(ENOENT\)/);
    });

    test('a stranger learns nothing of paths', async () => {
      const answer = await admin({ tokens: files() }).get('/nowhere');
      expectProblem(answer, 401, /token/);
    });
  });
});

test('a busy port is told with its number and admin.address', async () => {
  const busy = createServer();
  await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
  cleanUp(() => new Promise<void>((resolve) => busy.close(() => resolve())));
  const bound = busy.address();
  const address = `127.0.0.1:${typeof bound === 'object' ? bound?.port : 0}`;
  await expect(startAdmin(adminOptions({ address }))).rejects.toThrow(/is busy: free it, or set admin\.address/);
});

test('from another host reading needs a token where none is configured', async () => {
  const listening = await startAdmin(adminOptions({ address: '*:0' }));
  cleanUp(() => listening.close());
  await expect(fetch(`http://127.0.0.1:${listening.port}/api/ledger`)).resolves.toMatchObject({ status: 200 });
  const { networkInterfaces } = await import('node:os');
  const outside = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4');
  if (outside === undefined) return;
  const answer = await fetch(`http://${outside.address}:${listening.port}/api/ledger`);
  expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining('set admin.tokens.read')]);
});
