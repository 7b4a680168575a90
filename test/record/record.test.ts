/** The record's JSON, as the design gives it. */
import { createHash } from 'node:crypto';
import type { Capture } from '../../src/exchange.ts';
import { recordFromKept } from '../../src/record/record.ts';
import { createRedactor } from '../../src/record/redact.ts';
import type { KeptRecord } from '../../src/record/states.ts';
import { captureOf } from './spool-fixtures.ts';

const redactor = createRedactor({
  headers: ['authorization'],
  fields: ['token', 'password'],
  patterns: ['bearer'],
  keepOriginal: true,
});
const pod = { name: 'acme-1', namespace: 'shop', node: 'n1' };
const EMPTY_SHA = createHash('sha256').digest('hex');

function kept(changes: Partial<Capture> = {}, facts: Partial<KeptRecord> = {}): KeptRecord {
  const { body, ...head } = captureOf('', changes);
  const sizes = { storedBytes: 0, totalBytes: body.totalBytes, truncated: false };
  return { seq: 1, id: head.id, state: 'held', mirror: 'waiting', mirrorReason: '', head, ...sizes, ...facts };
}

const withHeaders = (...rawHeaders: string[]) => kept({ head: { ...captureOf().head, rawHeaders } });

test('has the fields of the design, in its order, with their values', () => {
  const head = { ...captureOf().head, rawHeaders: ['Host', 'localhost:8080', 'Content-Type', 'application/json'] };
  const record = kept({ head }, { totalBytes: 9 });
  const published = recordFromKept(record, Buffer.from('{"a":"ä"}'), redactor, pod);
  expect(JSON.stringify(published)).toBe(
    JSON.stringify({
      schema: 1,
      id: record.id,
      timestamp: 1697812345.678,
      method: 'POST',
      uri: '/api/users?x=1',
      path: '/api/users',
      query_string: 'x=1',
      headers: { host: 'localhost:8080', 'content-type': 'application/json' },
      body: '{"a":"ä"}',
      remote_addr: '127.0.0.1',
      backend_url: 'http://api:3000',
      error_reason: 'target refused the connection (ECONNREFUSED)',
      raw_headers: [
        ['Host', 'localhost:8080'],
        ['Content-Type', 'application/json'],
      ],
      http_version: '1.1',
      body_encoding: 'utf8',
      body_bytes: 9,
      body_sha256: createHash('sha256').update('{"a":"ä"}').digest('hex'),
      body_truncated: false,
      body_omitted: false,
      listener: 'ambassador',
      rule: 'users',
      target: 'prod',
      reason: 'connect',
      request_sent: 'no',
      delivery: 'inline',
      redeliver: false,
      attempts: [
        {
          at: 1697812345.679,
          url: 'http://api:3000/api/users?x=1',
          reason: 'connect',
          status: null,
          request_sent: 'no',
          ms: 3.2,
        },
      ],
      response: null,
      pod,
      trace_id: '',
      redacted: [],
      sealed: null,
    }),
  );
});

test('a body that is not UTF-8 is base64, and the hash is of its bytes', () => {
  const bytes = Buffer.from([0xff, 0x00, 0xfe]);
  const record = recordFromKept(withHeaders('Content-Type', 'image/png'), bytes, redactor, pod);
  expect(record).toMatchObject({
    body: bytes.toString('base64'),
    body_encoding: 'base64',
    body_sha256: createHash('sha256').update(bytes).digest('hex'),
  });
});

test('the hash is of the body as published: without its secrets', () => {
  const record = recordFromKept(
    withHeaders('Content-Type', 'application/json'),
    Buffer.from('{"token":"x"}'),
    redactor,
    pod,
  );
  expect(record.body).toBe('{"token":"[redacted]"}');
  expect(record.body_sha256).toBe(createHash('sha256').update(record.body).digest('hex'));
  expect(record.redacted).toEqual(['body.token']);
});

test('left out, withheld and empty bodies are told apart', () => {
  const json = withHeaders('Content-Type', 'application/json');
  const omitted = recordFromKept({ ...json, totalBytes: 5_000_000 }, null, redactor, pod);
  expect(omitted).toMatchObject({
    body: '',
    body_omitted: true,
    body_bytes: 5_000_000,
    body_sha256: EMPTY_SHA,
    redacted: [],
  });
  expect(recordFromKept(json, Buffer.from('{'), redactor, pod)).toMatchObject({
    body: '',
    body_omitted: false,
    redacted: ['body'],
  });
  expect(recordFromKept(json, Buffer.alloc(0), redactor, pod)).toMatchObject({
    body: '',
    body_omitted: false,
    redacted: [],
  });
});

test('a cut off body says so, and is withheld where it can not be looked into', () => {
  const json = { ...withHeaders('Content-Type', 'application/json'), truncated: true };
  expect(recordFromKept(json, Buffer.from('{"a":1'), redactor, pod)).toMatchObject({
    body: '',
    body_truncated: true,
    redacted: ['body'],
  });
  const text = { ...withHeaders('Content-Type', 'text/plain'), truncated: true };
  expect(recordFromKept(text, Buffer.from('begin'), redactor, pod)).toMatchObject({
    body: 'begin',
    body_truncated: true,
  });
});

test('duplicate headers are joined, in raw_headers they stay apart', () => {
  const record = recordFromKept(
    withHeaders('A', '1', 'a', '2', 'Cookie', 'x=1', 'cookie', 'y=2', '__proto__', 'p'),
    null,
    redactor,
    pod,
  );
  expect(record.headers).toMatchObject({ a: '1, 2', cookie: 'x=1; y=2' });
  expect(Object.entries(record.headers)).toContainEqual(['__proto__', 'p']);
  expect(record.raw_headers.map(([name]) => name)).toEqual(['A', 'a', 'Cookie', 'cookie', '__proto__']);
});

test('everything that leaves is redacted: headers in both forms, uri in its three, addresses, attempts, the answer', () => {
  const S = 'hunter2-s3cret';
  const head = {
    ...captureOf().head,
    uri: `/a?token=${S}&b=1`,
    rawHeaders: ['Authorization', S, 'Referer', `http://h/?token=${S}`],
  };
  const record = kept({
    head,
    backendUrl: `http://u:${S}@h`,
    errorReason: `answered token=${S}`,
    attempts: [
      { at: 1, url: `http://u:${S}@h/a?token=${S}`, reason: 'status', status: 503, requestSent: 'yes', ms: 1 },
    ],
    response: {
      status: 503,
      rawHeaders: ['Set-Cookie', `token=${S}`, 'Set-Cookie', 'b=2', 'X', 'y'],
      body: Buffer.from(`Bearer ${S}`),
      truncated: true,
    },
    redacted: ['body.earlier'],
  });
  const published = recordFromKept(record, null, redactor, pod);
  expect(JSON.stringify(published)).not.toContain(S);
  expect(published).toMatchObject({
    uri: '/a?token=[redacted]&b=1',
    query_string: 'token=[redacted]&b=1',
    backend_url: 'http://[redacted]@h',
  });
  expect(published.response).toEqual({
    status: 503,
    headers: { 'set-cookie': ['token=[redacted]', 'b=2'], x: 'y' },
    body: 'Bearer [redacted]',
    body_truncated: true,
  });
  expect(published.redacted).toEqual([
    ...['body.earlier', 'headers.authorization', 'headers.referer', 'query.token', 'backend_url', 'error_reason'],
    ...['response.headers.set-cookie', 'response.body'],
  ]);
});

test("an answer's body that is not UTF-8 says that it is base64", () => {
  const response = { status: 500, rawHeaders: [], body: Buffer.from([255]), truncated: false };
  expect(recordFromKept(kept({ response }), null, redactor, pod).response).toEqual({
    ...{ status: 500, headers: {}, body: '/w==', body_truncated: false, body_encoding: 'base64' },
  });
});
