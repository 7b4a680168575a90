/** What a target answers to an upgrade that is no switch, and what becomes of it. */
import { type RawConnection, startRawTarget } from './helpers/node-target.ts';
import { type RunningPath, startPath } from './helpers/path.ts';
import { closedPort } from './helpers/ports.ts';
import { sendRaw } from './helpers/raw-client.ts';
import { call, pathTo, SWITCH, UPGRADE } from './helpers/tunnel.ts';
import { waitFor } from './helpers/wait.ts';

describe('W02 a target that does not switch', () => {
  test.each([
    ['403 with a body', 'HTTP/1.1 403 Forbidden\r\nX-Why: no\r\nContent-Length: 4\r\n\r\nnope', 403, 'nope'],
    ['200 chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnope\r\n0\r\n\r\n', 200, 'nope'],
    [
      '426 that names protocols',
      'HTTP/1.1 426 Upgrade Required\r\nUpgrade: other\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n',
      426,
      '',
    ],
    ['503', 'HTTP/1.1 503 \xdcberlast\r\nContent-Length: 0\r\n\r\n', 503, ''],
  ])('%s: the answer is relayed and the connection closed', async (_, bytes, status, body) => {
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      await connection.send(bytes);
    });
    const path = await pathTo(target.url);
    const { responses, ended } = await sendRaw(path.port, UPGRADE);
    expect(responses.map((response) => response.status)).toEqual([status]);
    expect(String(responses[0]?.body)).toBe(body);
    expect(responses[0]?.header('connection')).toBe('close');
    expect(responses[0]?.header('upgrade')).toBeUndefined();
    expect(ended).toBe('closed');
  });

  test.each([
    ['refuses', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope', 403],
    ['fails', '', 502],
    ['has failed before', 'HTTP/1.1 503 Sorry\r\nContent-Length: 4\r\n\r\nnope', 503],
  ])(
    'W04 a caller that sends megabytes before it reads still reads the answer of a target that %s',
    async (_, bytes, status) => {
      const target = await startRawTarget(async (connection) => {
        await connection.readHead();
        await connection.send(bytes);
        connection.close();
      });
      const path = await pathTo(target.url);
      const all = Buffer.concat([Buffer.from(UPGRADE), Buffer.alloc(6_000_000, 'early')]);
      for (let i = 0; i < 5; i++) {
        const { responses, ended } = await sendRaw(path.port, all);
        expect([responses.map((response) => response.status), ended]).toEqual([[status], 'closed']);
      }
    },
  );

  test('W04 what the caller sent with the request is not read as another one', async () => {
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      await connection.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
    });
    const path = await pathTo(target.url);
    const { responses } = await sendRaw(path.port, `${UPGRADE}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(responses.map(({ status }) => status)).toEqual([403]);
    expect(target.connections.map((connection) => String(connection.received())).join('')).not.toContain('smuggled');
  });
});

describe('W02 a failed answer to an upgrade', () => {
  const answering = (bytes: string, rest?: (connection: RawConnection) => unknown) =>
    startRawTarget(async (connection) => {
      await connection.readHead();
      await connection.send(bytes);
      await rest?.(connection);
    });
  const body = 'x'.repeat(100_000);
  const SORRY = 'HTTP/1.1 503 Sorry\r\nX-Why: load\r\nContent-Length: 5\r\n\r\nsorry';

  test('is on disk before it is relayed, with its record, status and body', async () => {
    const target = await answering(SORRY);
    const path = await pathTo(target.url);
    path.keeper.commitDelayMs = 100;
    const { responses, ended } = await sendRaw(path.port, UPGRADE);
    const [response] = responses;
    expect(response?.statusLine).toBe('HTTP/1.1 503 Sorry');
    expect([response?.header('x-why'), response?.header('connection'), String(response?.body)]).toEqual([
      'load',
      'close',
      'sorry',
    ]);
    expect(ended).toBe('closed');
    await path.rest();
    const [capture] = path.captures;
    expect(response?.header('outrider-record')).toBe(capture?.id);
    expect(path.keeper.committed).toEqual([capture?.id]);
    expect(capture).toMatchObject({
      reason: 'status',
      requestSent: 'yes',
      response: { status: 503, truncated: false },
      attempts: [{ status: 503, reason: 'status' }],
    });
    expect(Buffer.from(capture?.response?.body ?? []).toString()).toBe('sorry');
    expect(path.metric('outrider_failures_total', { reason: 'status' })).toBe(1);
    expect(path.metric('outrider_requests_total', { code: '503' })).toBe(1);
  });

  test('that is larger than capture.response, or slow, is recorded so far and streams on', async () => {
    const half = body.length / 2;
    const target = await answering(
      `HTTP/1.1 502 Bad\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(half)}`,
      async (connection) => {
        await waitFor(() => path.captures.length === 1, { what: 'the record' });
        await connection.send(body.slice(half));
      },
    );
    const path = await pathTo(target.url, { process: { capture: { response: '1Ki' } } });
    const { responses } = await sendRaw(path.port, UPGRADE);
    expect(responses[0]?.body).toHaveLength(body.length);
    expect(path.captures[0]?.response).toMatchObject({ status: 502, truncated: true });
  });

  test('that breaks off is recorded, relayed as far as it came, and cut', async () => {
    const target = await answering('HTTP/1.1 503 Bad\r\nContent-Length: 50\r\n\r\nhalf', (connection) =>
      connection.close(),
    );
    const path = await pathTo(target.url);
    const { bytes, ended } = await sendRaw(path.port, UPGRADE);
    expect(String(bytes)).toMatch(/^HTTP\/1\.1 503 Bad\r\n[\s\S]*half$/);
    expect(ended).toBe('reset');
    expect(path.captures).toHaveLength(1);
  });

  test('gives way to the rule’s own answer, as does a target that is down', async () => {
    const target = await answering(SORRY);
    const own = { when: ['5xx', 'connect'], answer: { status: 503, body: 'kept as ${id}' } };
    const rules = ['prod', 'down'].map((name) => ({
      name,
      target: name,
      match: { methods: [name === 'prod' ? 'GET' : 'PUT'] },
      capture: own,
    }));
    const targets = { prod: target.url, down: `http://127.0.0.1:${await closedPort()}` };
    const path = await startPath({ routes: { targets, rules } });
    for (const request of [UPGRADE, UPGRADE.replace('GET', 'PUT')]) {
      const { responses } = await sendRaw(path.port, request);
      const id = path.captures.at(-1)?.id;
      expect(String(responses[0]?.body)).toBe(`kept as ${id}`);
      expect(responses[0]?.header('outrider-record')).toBe(id);
    }
    expect(path.captures.map(({ reason }) => reason)).toEqual(['status', 'connect']);
  });

  test('is relayed as it is where the rule does not keep it', async () => {
    const target = await answering(SORRY);
    const rules = [{ name: 'all', target: 'prod', capture: { when: ['connect'] } }];
    const path = await startPath({ routes: { targets: { prod: target.url }, rules } });
    const { responses } = await sendRaw(path.port, UPGRADE);
    expect(responses[0]?.header('outrider-record')).toBeUndefined();
    expect(path.captures).toEqual([]);
  });

  test('whose caller leaves while it is held back is one record', async () => {
    const target = await answering('HTTP/1.1 503 Sorry\r\nContent-Length: 50\r\n\r\nhalf');
    const path = await pathTo(target.url);
    const { socket } = call(path);
    await waitFor(() => target.connections[0]?.received().includes('\r\n\r\n'), { what: 'the request at the target' });
    socket.resetAndDestroy();
    await path.rest();
    expect(path.captures).toHaveLength(1);
  });
});

describe('what comes before the answer', () => {
  test('B06 informational answers are relayed in their order, but for 100', async () => {
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      await connection.send(
        `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${SWITCH}`,
      );
    });
    const path = await pathTo(target.url);
    const { socket, received } = call(path);
    await waitFor(() => received().includes(' 101 '), { what: 'the switch' });
    expect(received().match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 103', 'HTTP/1.1 102', 'HTTP/1.1 101']);
    expect(received()).toContain('Link: </a>');
    socket.destroy();
  });

  test.each(['100 Continue', '103 Early Hints'])('B07 %s without end is a 502', async (line) => {
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      await connection.send(`HTTP/1.1 ${line}\r\n\r\n`.repeat(50_000));
    });
    const path = await pathTo(target.url);
    const { responses } = await sendRaw(path.port, UPGRADE);
    expect(responses.at(-1)?.status).toBe(502);
    expect(responses.length).toBeLessThanOrEqual(101);
    expect(path.captures[0]?.reason).toBe('protocol');
  });

  test('L12 an answer of 2,500 fields is relayed whole, one whose head is too large is a 502', async () => {
    const fields = (count: number): string => Array.from({ length: count }, (_, i) => `x-${i}: 1\r\n`).join('');
    const answering = (head: string) =>
      startRawTarget(async (connection) => {
        await connection.readHead();
        await connection.send(`HTTP/1.1 403 No\r\n${head}Content-Length: 0\r\n\r\n`);
      });
    const many = await pathTo((await answering(fields(2500))).url);
    const { responses } = await sendRaw(many.port, UPGRADE);
    expect(responses[0]?.rawHeaders.filter(([name]) => name.startsWith('x-'))).toHaveLength(2500);
    const large = await pathTo((await answering(`x: ${'y'.repeat(70_000)}\r\n`)).url);
    expect((await sendRaw(large.port, UPGRADE)).responses[0]?.status).toBe(502);
  });

  test('U07 an ordinary answer that stops coming is cut after timeouts.idle', async () => {
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf');
    });
    const targets = { prod: { urls: [{ url: target.url }], timeouts: { idle: '200ms' } } };
    const path = await startPath({ routes: { targets } });
    expect((await sendRaw(path.port, UPGRADE, { timeoutMs: 3000 })).ended).toBe('reset');
  });
});

describe('a target that fails', () => {
  const fail = async (path: RunningPath) => {
    const { responses, ended } = await sendRaw(path.port, UPGRADE);
    expect(responses).toHaveLength(1);
    expect(ended).toBe('closed');
    return responses[0];
  };

  test('that is down: 502 with a record', async () => {
    const path = await pathTo(`http://127.0.0.1:${await closedPort()}`);
    const response = await fail(path);
    expect(response?.status).toBe(502);
    expect(response?.header('outrider-record')).toBe(path.captures[0]?.id);
    expect(path.captures[0]).toMatchObject({
      reason: 'connect',
      requestSent: 'no',
      head: { uri: '/chat?room=1', method: 'GET' },
      body: { kind: 'memory', truncated: false, totalBytes: 0 },
      attempts: [{ reason: 'connect' }],
    });
  });

  const sends =
    (bytes: string) =>
    (connection: RawConnection): Promise<void> =>
      connection.send(bytes);
  const framed = SWITCH.replace('\r\n\r\n', '\r\nTransfer-Encoding: chunked\r\n\r\n');

  test.each<readonly [string, number, string, (connection: RawConnection) => unknown]>([
    ['closes', 502, 'reset', (connection) => connection.close()],
    ['speaks no HTTP', 502, 'protocol', sends('SSH-2.0-x\r\n')],
    ['answers 999 (U05)', 502, 'protocol', sends('HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n')],
    ['answers in HTTP/2.0 (U05)', 502, 'protocol', sends('HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n')],
    ['says nothing', 504, 'timeout', () => undefined],
    ['switches to what was not offered (W03)', 502, 'protocol', sends(SWITCH.replace('echo', 'other'))],
    ['names no protocol (W03)', 502, 'protocol', sends(SWITCH.replace('Upgrade: echo\r\n', ''))],
    ['frames its 101 (W03)', 502, 'protocol', sends(framed)],
    ['answers in an unknown coding', 502, 'protocol', sends('HTTP/1.1 200 OK\r\nTransfer-Encoding: foo\r\n\r\nabc')],
  ])('that %s: %i and a record named %s', async (_, status, reason, script) => {
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      await script(connection);
    });
    const targets = { prod: { urls: [{ url: target.url }], timeouts: { response: '300ms' } } };
    const path = await startPath({ routes: { targets } });
    const response = await fail(path);
    expect(response?.status).toBe(status);
    expect(response?.header('outrider-record')).toBe(path.captures[0]?.id);
    expect(path.captures).toHaveLength(1);
    expect(path.captures[0]?.reason).toBe(reason);
  });

  test.each([
    ['in a chunk', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
    ['before its length', 'Content-Length: 50\r\n\r\nhello'],
  ])('that breaks off an ordinary answer %s: what the caller gets never looks whole', async (_, rest) => {
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      await connection.send(`HTTP/1.1 200 OK\r\n${rest}`);
      connection.close();
    });
    const { bytes, ended } = await sendRaw((await pathTo(target.url)).port, UPGRADE);
    expect(bytes.toString()).toContain('hello');
    expect(ended).toBe('reset');
  });

  test('a caller that leaves before the answer is a record named clientAbort', async () => {
    const target = await startRawTarget(() => undefined);
    const path = await pathTo(target.url);
    const { socket } = call(path);
    await waitFor(() => target.connections[0]?.received().includes('\r\n\r\n'), { what: 'the request at the target' });
    socket.resetAndDestroy();
    await path.rest();
    expect(path.captures.map(({ reason }) => reason)).toEqual(['clientAbort']);
    await waitFor(() => target.connections[0]?.socket.destroyed, { what: 'the target to be cut', timeoutMs: 1000 });
  });
});
