/** The request as it reaches a target. */
import { connect } from 'node:net';
import { type RawTarget, startRawTarget, startTarget } from '../helpers/node-target.ts';
import { type RunningPath, startPath } from '../helpers/path.ts';
import { sendRaw } from '../helpers/raw-client.ts';
import { waitFor } from '../helpers/wait.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A target that answers each head (and body of a known length) and keeps every byte. */
async function startRecorder(): Promise<RawTarget> {
  return startRawTarget(async (connection) => {
    for (;;) {
      const head = await connection.readHead();
      const length = /^content-length: (\d+)/im.exec(head)?.[1];
      if (length !== undefined) await connection.readBody(Number(length));
      await connection.send(OK);
    }
  });
}

async function headAt(target: string, bytes: string, path?: Partial<Record<'process', object>>): Promise<string> {
  const recorder = await startRecorder();
  const running = await startPath({
    process: { forwarded: 'none', ...path?.process },
    routes: { targets: { prod: { urls: [{ url: recorder.url + target }] } } },
  });
  await sendRaw(running.port, bytes, { responses: 1 });
  return String(recorder.connections[0]?.received().toString('latin1'));
}

test('H08 H09 field names keep case, order and duplicates, values their bytes', async () => {
  const fields = 'a: 1\r\nX_uNder-score: b\r\nA: 2\r\nx-latin: \xe9\xff\r\nX-Empty: \r\nCookie: a=1\r\nCookie: b=2\r\n';
  const head = await headAt('', `GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
  expect(head.split('\r\n').slice(3, -3)).toEqual(fields.trimEnd().split('\r\n'));
});

test.each(['//a', '/a/../b', '/%2e%2e/', '/a%2Fb', '/a;b?c=d;e', '/?', '/%zz', '/a?b?c&&d', '/"<>^`{|}\\'])(
  'H10 the path %s is forwarded byte for byte',
  async (path) => {
    expect(await headAt('', `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)).toMatch(`GET ${path} HTTP/1.1\r\n`);
  },
);

test.each([
  ['/base', '/x?y', '/base/x?y'],
  ['/base/', '/', '/base/'],
  ['', '/', '/'],
])('a target’s own path %j comes before %s: %s', async (base, path, expected) => {
  expect(await headAt(base, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)).toMatch(`GET ${expected} HTTP/1.1\r\n`);
});

test('B13 a request without a body is sent without a framing field', async () => {
  for (const method of ['GET', 'DELETE', 'OPTIONS']) {
    const head = await headAt('', `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(head).not.toMatch(/content-length|transfer-encoding/i);
  }
});

describe('B14 framing', () => {
  test.each([
    ['POST with Content-Length: 0', 'Content-Length: 0\r\n\r\n', /^content-length: 0\r\n/im],
    ['POST with neither', '\r\n', /^content-length: 0\r\n/im],
    ['POST with an empty chunked body', 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n', /^content-length: 0\r\n/im],
    ['POST with a body', 'Content-Length: 3\r\n\r\nabc', /^content-length: 3\r\n\r\nabc$/im],
    [
      'POST with a small chunked body',
      'Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n',
      /^content-length: 3\r\n\r\nabc$/im,
    ],
  ])('%s has exactly one length at the target', async (_, rest, expected) => {
    const head = await headAt('', `POST / HTTP/1.1\r\nHost: a\r\n${rest}`);
    expect(head).toMatch(expected);
    expect(head.match(/content-length/gi)).toHaveLength(1);
    expect(head).not.toMatch(/transfer-encoding/i);
  });

  test('a chunked body that is still coming stays chunked, without its extensions and trailers (F12 F14)', async () => {
    const target = await startTarget();
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const socket = connect(path.port, '127.0.0.1');
    socket.write(
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3;ext=1\r\nabc\r\n',
    );
    await waitFor(() => target.requests.length === 1, { what: 'the head at the target' });
    socket.write('2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n');
    await waitFor(() => target.last().complete, { what: 'the body at the target' });
    socket.destroy();
    expect(String(target.last().body)).toBe('abcde');
    expect(target.last().headers['transfer-encoding']).toBe('chunked');
    expect(target.last().headers['content-length']).toBeUndefined();
    expect(target.last().headers.trailer).toBeUndefined();
    expect(target.last().headers['x-sum']).toBeUndefined();
  });

  test.each(['GET', 'HEAD', 'OPTIONS', 'DELETE'])(
    'F22 a body of %s is framed, and nothing of it is a request',
    async (method) => {
      const target = await startTarget();
      const path = await startPath({ routes: { targets: { prod: target.url } } });
      const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
      const head = `${method} /first HTTP/1.1\r\nHost: a\r\n`;
      const bytes = [
        `${head}Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
        `${head}Transfer-Encoding: chunked\r\n\r\n${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
      ];
      await sendRaw(path.port, bytes.join(''), { responses: 2, methods: [method, method] });
      await sendRaw(path.port, 'GET /last HTTP/1.1\r\nHost: a\r\n\r\n', { responses: 1 });
      expect(target.requests.map(({ uri }) => uri)).toEqual(['/first', '/first', '/last']);
      expect(target.requests.map(({ body }) => String(body))).toEqual([smuggled, smuggled, '']);
    },
  );
});

describe('Host', () => {
  const start = async (target: object, rule: object = {}): Promise<{ path: RunningPath; hosts: () => string[] }> => {
    const recorder = await startRecorder();
    const path = await startPath({
      routes: {
        targets: { prod: { urls: [{ url: recorder.url }], ...target } },
        rules: [{ name: 'all', target: 'prod', ...rule }],
      },
    });
    const received = (): string => String(recorder.connections[0]?.received());
    return {
      path,
      hosts: () =>
        received()
          .replaceAll(String(recorder.port), 'PORT')
          .match(/^host: .*$/gim) ?? [],
    };
  };

  test.each([
    ['is the target’s', {}, {}, 'host: 127.0.0.1:PORT'],
    ['is the caller’s with preserve', { hostHeader: 'preserve' }, {}, 'host: a.test:81'],
    ['is a name with a name', { hostHeader: 'api.example.com' }, {}, 'host: api.example.com'],
    ['is what a rule sets', {}, { request: { headers: { set: { Host: 'patched' } } } }, 'host: patched'],
    [
      'is what a rule sets over preserve',
      { hostHeader: 'preserve' },
      { request: { headers: { set: { host: 'patched' } } } },
      'host: patched',
    ],
    [
      'is what a target sets over its rule',
      { request: { headers: { set: { HOST: 'last' } } } },
      { request: { headers: { set: { Host: 'patched' } } } },
      'host: last',
    ],
  ])('%s', async (_, target, rule, expected) => {
    const { path, hosts } = await start(target, rule);
    await sendRaw(path.port, 'GET / HTTP/1.1\r\nHost: a.test:81\r\n\r\n', { responses: 1 });
    expect(hosts()).toEqual([expected]);
  });
});

test('a rule’s patch survives what the caller lists in Connection (H04)', async () => {
  const target = await startTarget();
  const path = await startPath({
    routes: {
      targets: { prod: target.url },
      rules: [{ name: 'all', target: 'prod', request: { headers: { set: { 'x-request-id': '${id}' } } } }],
    },
  });
  const bytes =
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Request-Id, X-Other\r\nX-Request-Id: theirs\r\nX-Other: 1\r\n\r\n';
  await sendRaw(path.port, bytes, { responses: 1 });
  expect(target.last().headers['x-request-id']).toMatch(/^[0-9a-f]{8}-/);
  expect(target.last().headers['x-other']).toBeUndefined();
});

test('H06 a request that comes by its own listener again is a loop', async () => {
  const path = await startPath({ routes: { targets: { prod: 'http://127.0.0.1:1' } } });
  path.reload({ targets: { prod: path.url } });
  const { responses } = await sendRaw(path.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', { responses: 1 });
  expect(responses[0]?.status).toBe(508);
  expect(path.metric('outrider_rejected_total', { reason: 'loop' })).toBe(1);
});

test('S05 request data that would break a header is refused, and the process lives', async () => {
  const target = await startTarget();
  const path = await startPath({
    routes: {
      targets: { prod: target.url },
      rules: [{ name: 'all', target: 'prod', request: { headers: { set: { 'x-name': '${query:name}' } } } }],
    },
  });
  const { responses } = await sendRaw(path.port, 'GET /?name=a%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: a\r\n\r\n', {
    responses: 1,
  });
  expect(responses[0]?.status).toBe(400);
  expect(target.requests).toEqual([]);
});

test('what a configuration lacks is a failure that is kept, and the target is not asked', async () => {
  const target = await startTarget();
  const path = await startPath({
    process: { templates: { files: ['/nowhere/*'] } },
    routes: {
      targets: { prod: target.url },
      rules: [
        {
          name: 'all',
          target: 'prod',
          request: { headers: { set: { authorization: 'Bearer ${file:/nowhere/token}' } } },
        },
      ],
    },
  });
  const { responses } = await sendRaw(path.port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc', {
    responses: 1,
  });
  expect(responses[0]?.status).toBe(502);
  expect(responses[0]?.header('outrider-record')).toBe(path.captures[0]?.id);
  expect(path.captures[0]).toMatchObject({ requestSent: 'no', reason: 'connect' });
  expect(target.requests).toEqual([]);
});

describe('B03 Expect: 100-continue', () => {
  const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n';

  /** Sends the head, then the body when 100 has come. */
  async function postPolitely(port: number): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
    });
    socket.write(HEAD);
    await waitFor(() => received.startsWith('HTTP/1.1 100 Continue\r\n\r\n'), {
      what: '100 Continue',
      timeoutMs: 1000,
    });
    socket.write('hello');
    await waitFor(() => /HTTP\/1.1 [2-5]\d\d[\s\S]*\r\n\r\n/.test(received), { what: 'the answer' });
    socket.destroy();
    return received;
  }

  test('the caller is asked for its body, which reaches the target once', async () => {
    const target = await startTarget();
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    expect(await postPolitely(path.port)).toContain('HTTP/1.1 200 OK');
    expect(target.requests.map(({ body }) => String(body))).toEqual(['hello']);
    expect(target.last().headers.expect).toBeUndefined();
  });

  test('with the target down the caller is asked all the same, and the body is kept', async () => {
    const path = await startPath({ routes: { targets: { prod: 'http://127.0.0.1:1' } } });
    expect(await postPolitely(path.port)).toContain('HTTP/1.1 502 Bad Gateway');
    const body = path.captures[0]?.body;
    expect(body?.kind === 'memory' && Buffer.from(body.bytes).toString()).toBe('hello');
    expect(body?.truncated).toBe(false);
  });

  test('a caller that does not wait is served too', async () => {
    const target = await startTarget();
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const { responses } = await sendRaw(path.port, `${HEAD}hello`, { responses: 1 });
    expect(responses.map(({ status }) => status)).toEqual([100, 200]);
    expect(String(target.last().body)).toBe('hello');
  });

  test.each([401, 413])(
    'B04 a target that answers %i at the first of the body: the caller gets that at once',
    async (status) => {
      const target = await startTarget((_, response) => void response.writeHead(status).end('no'), { early: true });
      const path = await startPath({ routes: { targets: { prod: target.url } } });
      const socket = connect(path.port, '127.0.0.1');
      let received = '';
      socket.on('data', (chunk) => {
        received += chunk.toString('latin1');
      });
      socket.write(HEAD);
      await waitFor(() => received.endsWith('100 Continue\r\n\r\n'), { what: '100 Continue' });
      socket.write('he');
      await waitFor(() => socket.closed, { what: 'the end of the connection' });
      expect(received).toContain(`HTTP/1.1 ${status} `);
      expect(target.requests.map(({ complete }) => complete)).toEqual([false]);
    },
  );

  test('B04 a request that is refused at once is not asked for its body', async () => {
    const path = await startPath({ routes: { targets: { prod: 'http://127.0.0.1:1' }, default: 'reject' } });
    const { responses, ended } = await sendRaw(path.port, HEAD);
    expect(responses.map(({ status }) => status)).toEqual([404]);
    expect(ended).toBe('closed');
  });
});

test.each([
  ['a b/c?d', 400],
  ['evil.test:80@x', 400],
  ['a.test, b.test', 400],
  ['b.test:81', 200],
])('a Host that a patch makes of the request is one, or the request is refused: %j', async (value, status) => {
  const recorder = await startRecorder();
  const request = { headers: { set: { Host: '${header:x-tenant}' } } };
  const rules = [{ name: 'tenants', target: 'prod', request }];
  const path = await startPath({ routes: { targets: { prod: recorder.url }, rules } });
  const get = `GET / HTTP/1.1\r\nHost: a\r\nX-Tenant: ${value}\r\n\r\n`;
  const { responses } = await sendRaw(path.port, get, { responses: 1 });
  expect(responses[0]?.status).toBe(status);
  expect(recorder.connections.map((one) => /^host: (.*)\r$/im.exec(String(one.received()))?.[1])).toEqual(
    status === 200 ? [value] : [],
  );
});
