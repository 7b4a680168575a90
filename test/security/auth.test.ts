import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { WebSocket, WebSocketServer } from 'ws';
import { createGate } from '../../src/accept/auth.ts';
import { makeCertificates } from '../helpers/certificates.ts';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';
import { answering, startTarget } from '../helpers/node-target.ts';
import { type RunningPath, startPath } from '../helpers/path.ts';
import { sendRaw } from '../helpers/raw-client.ts';
import { waitFor } from '../helpers/wait.ts';

const SECRET = 'tok-8f3a9c51d2e7';

function fileOf(text: string): string {
  const file = join(temporaryFolder(), 'credentials');
  writeFileSync(file, text);
  return file;
}

function startWith(auth: unknown, routes: Record<string, unknown>): Promise<RunningPath> {
  return startPath({ process: { listeners: [{ name: 'ambassador', address: '127.0.0.1:0', auth }] }, routes });
}

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;
const request = (fields: string, start = 'GET /x HTTP/1.1'): string => `${start}\r\nHost: a\r\n${fields}\r\n`;
const rejected = (path: RunningPath): number => path.metric('outrider_rejected_total', { reason: 'auth' });

test('a token of the file comes in, and is neither forwarded, matched, recorded nor logged', async () => {
  const target = await startTarget(answering(503, 'no'));
  const rules = [
    { name: 'seen', target: 'prod', match: { headers: { authorization: { present: true } } } },
    {
      name: 'all',
      target: 'prod',
      request: { headers: { set: { 'x-copy': '${header:authorization|nothing}' } } },
      capture: { when: ['5xx'] },
    },
  ];
  const path = await startWith({ bearer: { file: fileOf(`${SECRET}\n`) } }, { targets: { prod: target.url }, rules });
  const fields = `Authorization: Bearer ${SECRET}\r\nX-Other: kept\r\nContent-Length: 2\r\n`;
  const { responses } = await sendRaw(path.port, `${request(fields, 'POST /x HTTP/1.1')}ab`, { responses: 1 });
  expect(responses[0]?.status).toBe(503);
  expect(target.last().headers).toMatchObject({ 'x-other': 'kept', 'x-copy': 'nothing' });
  expect(target.last().headers.authorization).toBeUndefined();
  expect(path.captures[0]?.rule).toBe('all');
  const everything = JSON.stringify([target.last().rawHeaders, path.captures, path.lines]);
  expect(everything).toContain('X-Other');
  expect(everything).not.toContain(SECRET);
  expect(rejected(path)).toBe(0);
});

test.each([
  ['nothing', '', 'GET /x HTTP/1.1'],
  ['another token', 'Authorization: Bearer tok-8f3a9c51d2e8\r\n', 'GET /x HTTP/1.1'],
  ['the start of it', 'Authorization: Bearer tok-8f3a9c51d2e\r\n', 'GET /x HTTP/1.1'],
  ['an empty token', 'Authorization: Bearer \r\n', 'GET /x HTTP/1.1'],
  ['another scheme', `Authorization: Basic ${Buffer.from(SECRET).toString('base64')}\r\n`, 'GET /x HTTP/1.1'],
  ['no scheme', `Authorization: ${SECRET}\r\n`, 'GET /x HTTP/1.1'],
  ['two fields', `Authorization: Bearer ${SECRET}\r\nAuthorization: Bearer ${SECRET}\r\n`, 'GET /x HTTP/1.1'],
  ['another field', `Proxy-Authorization: Bearer ${SECRET}\r\n`, 'GET /x HTTP/1.1'],
  ['the token in the query', '', `GET /?access_token=${SECRET} HTTP/1.1`],
  ['the question about the server', '', 'OPTIONS * HTTP/1.1'],
  ['a path without a rule', '', 'GET /nowhere HTTP/1.1'],
  ['HTTP/1.0', '', 'GET /x HTTP/1.0'],
])('who brings %s gets 401, a closed connection, and nothing of a target', async (_, fields, start) => {
  const target = await startTarget();
  const path = await startWith({ bearer: { file: fileOf(`${SECRET}\n`) } }, { targets: { prod: target.url } });
  const { responses, ended } = await sendRaw(path.port, request(fields, start).repeat(2));
  expect(responses.map(({ status }) => status)).toEqual([401]);
  expect(responses[0]?.header('www-authenticate')).toMatch(/^Bearer realm="outrider"/);
  expect(responses[0]?.header('connection')).toBe('close');
  expect(responses[0]?.header('content-type')).toBe('application/problem+json');
  expect(ended).toBe('closed');
  expect(target.requests).toEqual([]);
  expect(rejected(path)).toBe(1);
  expect(JSON.stringify(path.lines)).toContain('ambassador');
  expect(JSON.stringify(path.lines.map(({ fields: { excerpt: _excerpt, ...others } }) => others))).not.toContain(
    SECRET,
  );
});

test('no body is asked for before the credentials are believed', async () => {
  const target = await startTarget();
  const path = await startWith({ bearer: { file: fileOf(SECRET) } }, { targets: { prod: target.url } });
  const upload = request('Content-Length: 5\r\nExpect: 100-continue\r\n', 'POST /x HTTP/1.1');
  const { responses } = await sendRaw(path.port, upload);
  expect(responses.map(({ status }) => status)).toEqual([401]);
  expect(target.requests).toEqual([]);
});

test('what is no HTTP is refused for that, whatever credentials it brings', async () => {
  const path = await startWith({ bearer: { file: fileOf(SECRET) } }, { targets: { prod: 'http://127.0.0.1:1' } });
  const both = `Authorization: Bearer ${SECRET}\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n`;
  for (const fields of [both, `Authorization: Bearer ${SECRET}\r\nBad\x00: 1\r\n`]) {
    const { responses } = await sendRaw(path.port, request(fields));
    expect(responses.map(({ status }) => status)).toEqual([400]);
  }
});

describe('basic', () => {
  const start = (text: string): Promise<RunningPath> =>
    startWith({ basic: { file: fileOf(text) } }, { targets: { prod: 'http://127.0.0.1:1' }, rules: [] });
  const statusOf = async (path: RunningPath, authorization: string): Promise<number | undefined> => {
    const { responses } = await sendRaw(path.port, request(`authorization: ${authorization}\r\n`), { responses: 1 });
    return responses[0]?.status;
  };

  test('a user with its password comes in, in UTF-8, with colons in the password', async () => {
    const path = await start('amy:pa:ss\r\n\r\nzoë:ключ\n');
    expect(await statusOf(path, basic('amy:pa:ss'))).toBe(502);
    expect(await statusOf(path, basic('zoë:ключ').replace('Basic', 'bAsIc'))).toBe(502);
  });

  test.each(['amy:pas', 'amy:', 'amy', ':pass', 'amy:pass\nbob:x', '\n', 'bob:pass', 'Amy:pass'])(
    'who says %j does not',
    async (pair) => {
      const path = await start('amy:pass\nbob:word\n');
      expect(await statusOf(path, basic(pair))).toBe(401);
      expect(path.metric('outrider_requests_total')).toBe(0);
    },
  );

  test('what is no base64 does not', async () => {
    const path = await start('amy:pass\n');
    for (const value of ['Basic', 'Basic !!', 'Basic YW15OnBhc3M= x', 'Basic YW15OnBhc3M=, Basic YQ==']) {
      expect(await statusOf(path, value)).toBe(401);
    }
    const { responses } = await sendRaw(path.port, request(''), { responses: 1 });
    expect(responses[0]?.header('www-authenticate')).toBe('Basic realm="outrider", charset="UTF-8"');
  });
});

describe('cidrs', () => {
  const from = async (cidrs: string[], host = '127.0.0.1'): Promise<number | undefined> => {
    const address = `${host.includes(':') ? `[${host}]` : host}:0`;
    const listeners = [{ name: 'ambassador', address, auth: { cidrs } }];
    const path = await startPath({ process: { listeners }, routes: { targets: { prod: 'http://127.0.0.1:1' } } });
    const fields = 'X-Forwarded-For: 10.9.9.9\r\nForwarded: for=10.9.9.9\r\n';
    const { responses } = await sendRaw(path.port, request(fields), { responses: 1, host });
    expect(rejected(path)).toBe(responses[0]?.status === 403 ? 1 : 0);
    return responses[0]?.status;
  };

  test('only connections from the ranges come in, whatever a header says', async () => {
    expect(await from(['127.0.0.0/8'])).toBe(502);
    expect(await from(['10.0.0.0/8', '127.0.0.1'])).toBe(502);
    expect(await from(['10.0.0.0/8'])).toBe(403);
    expect(await from(['::1'], '::1')).toBe(502);
    expect(await from(['127.0.0.0/8'], '::1')).toBe(403);
  });

  test.each([
    ['10.0.0.0/8', '10.255.255.255', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['10.0.0.0/8', '::10.1.2.3', false],
    ['0.0.0.0/0', '8.8.8.8', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '8.8.8.8', false],
    ['192.168.7.128/25', '192.168.7.127', false],
    ['fd00::/8', 'fdff::1', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['10.0.0.0/8', '', false],
  ])('%s and a caller from %s: %s', (range, address, open) => {
    const gate = createGate({ kind: 'cidrs', cidrs: [range] });
    expect(gate?.refuse([], address)).toEqual(open ? null : expect.objectContaining({ status: 403, kind: 'auth' }));
    // From memory now.
    expect(gate?.refuse([], address) === null).toBe(open);
  });
});

describe('a file that changes', () => {
  const asks = (gate: ReturnType<typeof createGate>, token: string): number =>
    gate?.refuse(['Authorization', `Bearer ${token}`], '')?.status ?? 200;

  test('counts within a second: the new token beside the old one, then alone', () => {
    const clock = { ms: 0 };
    const file = fileOf('old\n');
    const gate = createGate({ kind: 'bearer', file }, () => clock.ms);
    writeFileSync(file, 'old\nnew-token\n');
    expect(asks(gate, 'new-token')).toBe(401);
    clock.ms = 1000;
    expect([asks(gate, 'old'), asks(gate, 'new-token')]).toEqual([200, 200]);
    writeFileSync(file, 'new-token');
    clock.ms = 2000;
    expect([asks(gate, 'old'), asks(gate, 'new-token')]).toEqual([401, 200]);
  });

  test('may be a link that is swapped, as in a Secret of Kubernetes', () => {
    const clock = { ms: 0 };
    const [before, after] = [fileOf('before'), fileOf('after')];
    const link = join(temporaryFolder(), 'token');
    symlinkSync(before, link);
    const gate = createGate({ kind: 'bearer', file: link }, () => clock.ms);
    rmSync(link);
    symlinkSync(after, link);
    clock.ms = 1000;
    expect([asks(gate, 'before'), asks(gate, 'after')]).toEqual([401, 200]);
  });

  test('lets nobody in while it is empty or missing, and counts at once when it is back', () => {
    const clock = { ms: 0 };
    const file = fileOf('token');
    const gate = createGate({ kind: 'bearer', file }, () => clock.ms);
    writeFileSync(file, '\n');
    clock.ms = 1000;
    expect([asks(gate, 'token'), asks(gate, '')]).toEqual([401, 401]);
    rmSync(file);
    expect(asks(gate, 'token')).toBe(503);
    writeFileSync(file, 'token');
    expect(asks(gate, 'token')).toBe(200);
  });

  test.each([
    ['empty', '\n\n'],
    ['too large', 'x'.repeat(65_537)],
  ])('that is %s at the start keeps the listener closed', async (_, text) => {
    await expect(startWith({ bearer: { file: fileOf(text) } }, { targets: {}, default: 'reject' })).rejects.toThrow(
      /^listeners\[0\]\.auth \(ambassador\): /,
    );
  });

  test('that is missing at the start keeps the listener closed', async () => {
    const auth = { basic: { file: '/nowhere/users' } };
    await expect(startWith(auth, { targets: {}, default: 'reject' })).rejects.toThrow('/nowhere/users');
  });
});

test('a tunnel needs the credentials too, and its target does not see them', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  cleanUp(() => void server.close());
  const seen: unknown[] = [];
  server.on('connection', (_socket, { headers }) => seen.push(headers));
  await waitFor(() => server.address() !== null, { what: 'the target to listen' });
  const { port } = Object(server.address());
  const routes = { targets: { prod: `http://127.0.0.1:${port}` } };
  const path = await startWith({ bearer: { file: fileOf(SECRET) } }, routes);
  const open = (headers: Record<string, string>): Promise<string> =>
    new Promise((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${path.port}/`, { headers });
      socket.on('open', () => resolve('open'));
      socket.on('error', (error) => resolve(error.message));
      cleanUp(() => socket.terminate());
    });
  expect(await open({})).toContain('401');
  expect(seen).toEqual([]);
  expect(await open({ authorization: `Bearer ${SECRET}`, 'x-other': '1' })).toBe('open');
  expect(seen).toEqual([expect.objectContaining({ 'x-other': '1' })]);
  expect(JSON.stringify(seen)).not.toContain(SECRET);
});

test('a client certificate of another authority, or none, ends the handshake and is counted', async () => {
  const [ours, theirs] = [makeCertificates(), makeCertificates({ commonName: 'Theirs' })];
  const tls = { ...ours.server, clientCa: ours.ca };
  const path = await startPath({
    process: { listeners: [{ name: 'ambassador', address: '127.0.0.1:0', tls }] },
    routes: { targets: { prod: 'http://127.0.0.1:1' } },
  });
  const ask = (client: { cert: string; key: string } | null): Promise<string> =>
    new Promise((resolve) => {
      const own = client === null ? {} : { cert: readFileSync(client.cert), key: readFileSync(client.key) };
      const socket: TLSSocket = tlsConnect({ port: path.port, host: '127.0.0.1', ca: readFileSync(ours.ca), ...own });
      socket.on('secureConnect', () => socket.write(request('Connection: close\r\n')));
      socket.on('data', (chunk: Buffer) => resolve(chunk.toString('latin1').slice(9, 12)));
      socket.on('error', () => resolve('cut'));
      socket.on('close', () => resolve('cut'));
      cleanUp(() => void socket.destroy());
    });
  expect(await ask(null)).toBe('cut');
  expect(await ask(theirs.client)).toBe('cut');
  await waitFor(() => rejected(path) === 2, { what: 'both to be counted' });
  expect(await ask(ours.client)).toBe('502');
  expect(rejected(path)).toBe(2);
});

test('a listener of its own port stays open beside one that is closed', async () => {
  const listeners = [
    { name: 'open', address: '127.0.0.1:0' },
    { name: 'closed', address: '127.0.0.1:0', auth: { bearer: { file: fileOf(SECRET) } } },
  ];
  const target = await startTarget();
  const path = await startPath({ process: { listeners }, routes: { targets: { prod: target.url } } });
  const fields = 'Authorization: Bearer for-the-target\r\n';
  const ask = (name: string) => sendRaw(path.ports[name] ?? 0, request(fields), { responses: 1 });
  expect((await ask('open')).responses[0]?.status).toBe(200);
  expect(target.last().headers.authorization).toBe('Bearer for-the-target');
  expect((await ask('closed')).responses[0]?.status).toBe(401);
});

test('a head that is repaired needs the credentials as any other, and loses them', async () => {
  const target = await startTarget();
  const tolerate = ['missing-host', 'raw-target', 'bare-lf', 'obs-fold'];
  const auths = [{ bearer: { file: fileOf(SECRET) } }, { cidrs: ['127.0.0.0/8'] }, { cidrs: ['10.0.0.0/8'] }];
  const listeners = auths.map((auth, n) => ({ name: `l${n}`, address: '127.0.0.1:0', tolerate, auth }));
  const path = await startPath({ process: { listeners }, routes: { targets: { prod: target.url } } });
  const ask = async (name: string, bytes: string) =>
    (await sendRaw(path.ports[name] ?? 0, bytes, { responses: 1 })).responses[0]?.status;
  expect(await ask('l0', `GET /a b HTTP/1.1\nAuthorization: Bearer\n ${SECRET}\nX-Other: 1\n\n`)).toBe(200);
  expect(target.last().headers).toMatchObject({ 'x-other': '1' });
  expect(JSON.stringify(target.last().rawHeaders)).not.toContain(SECRET);
  expect(await ask('l0', 'GET /a b HTTP/1.1\nX-Other: 1\n\n')).toBe(401);
  expect(await ask('l1', 'GET /a b HTTP/1.1\n\n')).toBe(200);
  expect(await ask('l2', 'GET /a b HTTP/1.1\n\n')).toBe(403);
});
