/** An admin API over records in memory: the spool's own tests hold the real one to the same interface. */
import type { KeptRecord } from '../../../src/record/states.ts';
import type { Settings } from '../../../src/settings.ts';
import type { AdminOptions } from '../../../src/watch/api/admin.ts';
import type { RecordsSource } from '../../../src/watch/api/records-source.ts';
import { ruleOf, settingsOf, targetOf } from '../../dispatch/fixtures.ts';
import { spoolStats } from '../sources.ts';

export const idOf = (seq: number): string => `0199c3a1-0000-7000-8000-${String(seq).padStart(12, '0')}`;

export function kept(seq: number, over: Partial<KeptRecord> = {}, head: Partial<KeptRecord['head']> = {}): KeptRecord {
  return {
    seq,
    id: idOf(seq),
    state: 'held',
    mirror: 'waiting',
    mirrorReason: '',
    head: {
      id: idOf(seq),
      timestamp: 1_700_000_000 + seq,
      head: {
        listener: 'ambassador',
        method: 'POST',
        uri: `/orders/${seq}`,
        rawHeaders: ['Host', 'localhost'],
        authority: 'localhost',
        scheme: 'http',
        httpVersion: '1.1',
        remoteAddress: '127.0.0.1',
      },
      rule: 'users',
      target: 'prod',
      backendUrl: 'http://api:3000',
      reason: 'connect',
      errorReason: 'target refused the connection (ECONNREFUSED)',
      requestSent: 'no',
      attempts: [],
      response: null,
      traceId: '',
      ...head,
    },
    storedBytes: 5,
    totalBytes: 5,
    truncated: false,
    ...over,
  };
}

export function memoryRecords(all: readonly KeptRecord[]): RecordsSource {
  return {
    list: ({ state, mirror, rule, target, reason, since, beforeSeq, limit }) =>
      all
        .filter(
          (record) =>
            (state === null || record.state === state) &&
            (mirror === null || record.mirror === mirror) &&
            (rule === null || record.head.rule === rule) &&
            (target === null || record.head.target === target) &&
            (reason === null || record.head.reason === reason) &&
            (since === null || record.head.timestamp >= since) &&
            (beforeSeq === null || record.seq < beforeSeq),
        )
        .toReversed()
        .slice(0, limit),
    get: (id) => all.find((record) => record.id === id) ?? null,
    body: ({ seq }) => Buffer.from(`body${seq}`),
  };
}

/** A configuration with `secret` wherever a person may have written one. */
export function settingsWith(secret: string): Settings {
  const rule = ruleOf({
    match: {
      headers: { 'x-api-key': [secret, secret], environment: 'qa' },
      query: { access_token: secret, version: '2' },
    },
    headers: {
      set: {
        authorization: `Bearer \${file:/run/token|${secret}}`,
        'X-Vendor-Token': secret,
        'X-Upstream': `Bearer ${secret}`,
        host1a: 'qa',
        'x-id': '${id}',
      },
      add: { cookie: `sid=${secret}; \${id}` },
      remove: ['x-internal'],
    },
    capture: { answer: { status: 503, headers: {}, body: 'kept as ${id}' } },
  });
  const url = `http://user:${secret}@api:3000/v1?pin=${secret}&page=1`;
  const target = { ...targetOf('prod', { set: { 'X-Odd': `\${env:ODD}-${secret}` } }), urls: [{ url, weight: 1 }] };
  const { process, routes, ...rest } = settingsOf({ rules: [rule], targets: [target] });
  const redact = { headers: ['authorization', 'x-odd'], fields: ['pin'], patterns: [], keepOriginal: true };
  return {
    ...rest,
    process: {
      ...process,
      admin: { address: 'localhost:5091', tokens: { read: '/run/tokens/read', operate: '' } },
      capture: { ...process.capture, redact },
    },
    routes: {
      ...routes,
      targets: routes.targets.map((one) => ({ ...one, tls: { ...one.tls, key: '/run/tls/key.pem' } })),
      tests: [{ request: `GET /?pin=${secret}`, headers: { authorization: secret }, expect: { target: 'prod' } }],
    },
  };
}

export function adminOptions(over: Partial<AdminOptions> = {}): AdminOptions {
  return {
    address: 'localhost:5091',
    tokens: { read: '', operate: '' },
    records: () => memoryRecords([]),
    spool: () => spoolStats(),
    verify: () => null,
    settings: () => settingsWith('hunter2'),
    toRecord: ({ id, head }, body) => ({
      id,
      uri: head.head.uri,
      body: body === null ? '' : Buffer.from(body).toString(),
      body_omitted: body === null,
    }),
    report: (error) => {
      throw error;
    },
    ...over,
  };
}
