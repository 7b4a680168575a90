import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { get } from 'node:https';
import { makeCertificates, readCertificate } from './certificates.ts';
import { cleanUp, temporaryFolder } from './cleanup.ts';
import { answering, startRawTarget, startTarget } from './node-target.ts';
import { closedPort, occupyPort } from './ports.ts';
import { sendRaw } from './raw-client.ts';
import { parseResponses } from './raw-response.ts';
import { waitFor } from './wait.ts';

const GET = 'GET /x?y HTTP/1.1\r\nHost: a\r\nX-One: 1\r\n\r\n';

describe('startTarget', () => {
  test('records method, target, headers and body, and echoes them', async () => {
    const target = await startTarget();
    const post = 'POST /p HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nContent-Length: 3\r\n\r\nabc';
    const { responses } = await sendRaw(target.port, post, { responses: 1 });
    expect(target.last()).toMatchObject({ method: 'POST', uri: '/p', complete: true, aborted: false });
    expect(target.last().body.toString()).toBe('abc');
    expect(target.last().rawHeaders.slice(0, 4)).toEqual(['Host', 'a', 'X-One', '1']);
    expect(JSON.parse(String(responses[0]?.body))).toMatchObject({ method: 'POST', body: 'abc' });
  });

  test('tells that a caller left before its answer', async () => {
    const target = await startTarget(() => undefined);
    await sendRaw(target.port, GET, { idleMs: 20 });
    await waitFor(() => target.last().aborted, { what: 'the abort' });
  });

  test('refuses connections once it is stopped', async () => {
    const target = await startTarget(answering(204));
    await target.stop();
    await target.stop();
    await expect(sendRaw(target.port, GET)).rejects.toThrow('ECONNREFUSED');
  });
});

describe('startRawTarget', () => {
  test('answers with literal bytes, in the order the script says', async () => {
    const target = await startRawTarget(async (connection) => {
      const head = await connection.readHead();
      await connection.send(`HTTP/1.0 200 OK\r\n\r\n${head.split('\r\n')[0]}`);
      connection.close();
    });
    const { responses, ended } = await sendRaw(target.port, GET);
    expect(ended).toBe('closed');
    expect(String(responses[0]?.body)).toBe('GET /x?y HTTP/1.1');
  });

  test('reads bodies after heads, on one connection', async () => {
    const seen: string[] = [];
    const target = await startRawTarget(async (connection) => {
      for (const size of [3, 2]) {
        await connection.readHead();
        seen.push(String(await connection.readBody(size)));
      }
      connection.close();
    });
    await sendRaw(target.port, 'POST / HTTP/1.1\r\n\r\nabcPUT / HTTP/1.1\r\n\r\nde', { splitEvery: 1 });
    expect(seen).toEqual(['abc', 'de']);
  });

  test('resets, and the client tells a reset from a close', async () => {
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      connection.reset();
    });
    expect((await sendRaw(target.port, GET)).ended).toBe('reset');
  });

  test('trickles', async () => {
    const target = await startRawTarget(async (connection) => {
      await connection.trickle('HTTP/1.1 204 No Content\r\n\r\n', 5, 1);
    });
    const { responses } = await sendRaw(target.port, GET, { responses: 1 });
    expect(responses[0]?.status).toBe(204);
  });
});

describe('sendRaw', () => {
  test('fails with what had come when the exchange does not end', async () => {
    const target = await startRawTarget((connection) => connection.send('HTTP/1.1 2'));
    await expect(sendRaw(target.port, GET, { timeoutMs: 50 })).rejects.toThrow(/not ended within 50 ms.*HTTP\/1.1 2/);
  });
});

describe('parseResponses', () => {
  const parse = (text: string, methods: string[] = [], closed = false) =>
    parseResponses(Buffer.from(text, 'latin1'), methods, closed);

  test('reads interim, length, chunked with trailers, and bodiless answers from one connection', () => {
    const { responses, rest } = parse(
      'HTTP/1.1 100 Continue\r\n\r\n' +
        'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab' +
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n' +
        'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n' +
        'HTTP/1.1 304 \r\n\r\nHTTP/1.1 2',
      ['GET', 'GET', 'HEAD'],
    );
    expect(responses.map(({ status }) => status)).toEqual([100, 200, 200, 200, 304]);
    expect(responses.map(({ body }) => String(body))).toEqual(['', 'ab', 'abc', '', '']);
    expect(responses[2]?.trailers).toEqual([['X-Sum', '1']]);
    expect(String(rest)).toBe('HTTP/1.1 2');
  });

  test('takes an answer without a length as whole only when the connection has closed', () => {
    expect(parse('HTTP/1.1 200 OK\r\n\r\nabc').responses).toHaveLength(0);
    expect(String(parse('HTTP/1.1 200 OK\r\n\r\nabc', [], true).responses[0]?.body)).toBe('abc');
  });

  test.each(['HTTP/1.1 0 OK\r\n\r\n', 'HTTP/1.1 200 OK\r\nbroken\r\n\r\n', 'abc\r\n\r\n'])('refuses %j', (text) => {
    expect(() => parse(text)).toThrow(/not a/);
  });
});

describe('makeCertificates', () => {
  test('a server with its certificate is trusted under its names by a client that knows the CA', async () => {
    const { ca, server, client, issue } = makeCertificates();
    const tls = { ...readCertificate(server), ca: readFileSync(ca), requestCert: true };
    const target = await startTarget(answering(204), { tls });
    const status = await new Promise<number>((resolve, reject) => {
      const options = { port: target.port, host: '127.0.0.1', ca: readFileSync(ca), ...readCertificate(client) };
      get({ ...options, agent: false }, (answer) => resolve(answer.resume().statusCode ?? 0)).on('error', reject);
    });
    expect(status).toBe(204);
    const other = new X509Certificate(readFileSync(issue('other', ['other.test', '10.0.0.1']).cert));
    expect(other.subjectAltName).toBe('DNS:other.test, IP Address:10.0.0.1');
    const expired = new X509Certificate(readFileSync(issue('expired', ['localhost'], -1).cert));
    expect(Date.parse(expired.validTo)).toBeLessThan(Date.now());
  });
});

describe('ports', () => {
  test('a closed port refuses; an occupied one accepts until it is released', async () => {
    await expect(sendRaw(await closedPort(), GET)).rejects.toThrow('ECONNREFUSED');
    const busy = await occupyPort();
    await expect(occupyPort(busy.port)).rejects.toThrow('EADDRINUSE');
    await busy.release();
    await (await occupyPort(busy.port)).release();
  });
});

describe('waitFor', () => {
  test('returns the fact, also when asking threw before', async () => {
    let asked = 0;
    const fact = () => {
      asked += 1;
      if (asked < 3) throw new Error('not yet');
      return asked;
    };
    expect(await waitFor(fact, { what: 'three', everyMs: 1 })).toBe(3);
  });

  test('says what was waited for and what was last seen', async () => {
    await expect(waitFor(() => false, { what: 'a miracle', timeoutMs: 5, everyMs: 1 })).rejects.toThrow(
      'waited 5 ms for a miracle; last seen: false',
    );
  });
});

describe('cleanUp', () => {
  let folder = '';
  const order: number[] = [];

  test('is given a folder and two stops', () => {
    folder = temporaryFolder();
    cleanUp(() => void order.push(1));
    cleanUp(() => void order.push(2));
    expect(existsSync(folder)).toBe(true);
  });

  test('ran the stops after that test, the last first, and removed the folder', () => {
    expect(order).toEqual([2, 1]);
    expect(existsSync(folder)).toBe(false);
  });
});
