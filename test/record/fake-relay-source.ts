/** A fake of the spool for the mirror's own tests: records in memory, and every call written down. */
import type { KeptRecord, RelaySource, WaitingRecord } from '../../src/record/states.ts';

export interface FakeRecord {
  readonly record: KeptRecord;
  readonly body: Uint8Array | 'unreadable';
}

export class FakeRelaySource implements RelaySource {
  readonly records: FakeRecord[] = [];
  readonly mirrored = new Set<number>();
  readonly withoutBody = new Set<number>();
  readonly parked = new Map<number, string>();
  /** One entry for each transaction: the sequence numbers it marked. */
  readonly transactions: number[][] = [];
  bodiesRead = 0;
  /** Thrown by the next markMirrored. */
  failNextMark: Error | null = null;

  /** Adds a record that waits; its sequence number. */
  add(body: Uint8Array | string | 'unreadable', changes: Partial<KeptRecord> = {}): number {
    const seq = this.records.length + 1;
    const stored = body === 'unreadable' || typeof body !== 'string' ? body : Buffer.from(body);
    const storedBytes = stored === 'unreadable' ? 10 : stored.byteLength;
    const record = { ...keptRecord(seq), storedBytes, totalBytes: storedBytes, ...changes };
    this.records.push({ record, body: stored });
    return seq;
  }

  waiting(afterSeq: number, limit: number): readonly WaitingRecord[] {
    const waits = ({ record: { seq } }: FakeRecord): boolean =>
      seq > afterSeq && !this.mirrored.has(seq) && !this.parked.has(seq);
    return this.records
      .filter(waits)
      .slice(0, limit)
      .map(({ record }) => ({ ...record, body: null }));
  }

  readBody({ seq }: KeptRecord): Uint8Array {
    this.bodiesRead += 1;
    const body = this.records[seq - 1]?.body ?? 'unreadable';
    if (body === 'unreadable') throw new Error('the file is gone');
    return body;
  }

  markMirrored(seqs: readonly number[]): void {
    const failure = this.failNextMark;
    this.failNextMark = null;
    if (failure !== null) throw failure;
    this.transactions.push([...seqs]);
    for (const seq of seqs) this.mirrored.add(seq);
  }

  markMirroredWithoutBody(seqs: readonly number[]): void {
    this.markMirrored(seqs);
    for (const seq of seqs) this.withoutBody.add(seq);
  }

  park(seq: number, reason: string): void {
    this.parked.set(seq, reason);
  }

  get allDone(): boolean {
    return this.waiting(0, 1).length === 0;
  }
}

export function keptRecord(seq: number): KeptRecord {
  return {
    seq,
    id: `0199aaaa-bbbb-7ccc-8ddd-${String(seq).padStart(12, '0')}`,
    state: 'held',
    mirror: 'waiting',
    mirrorReason: '',
    head: {
      id: `0199aaaa-bbbb-7ccc-8ddd-${String(seq).padStart(12, '0')}`,
      timestamp: 1_697_812_345.678,
      head: {
        listener: 'ambassador',
        method: 'POST',
        uri: '/api/users?x=1',
        rawHeaders: ['X-Tenant', 'blue'],
        authority: 'localhost:8080',
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
    },
    storedBytes: 0,
    totalBytes: 0,
    truncated: false,
  };
}
