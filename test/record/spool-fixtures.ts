/** Spools in temporary folders, and captures to put into them. */
import { createHash } from 'node:crypto';
import type { BodyCopy, Capture } from '../../src/exchange.ts';
import { type CommitOutcome, Spool, type SpoolOptions } from '../../src/record/spool.ts';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';

export const MEBIBYTE = 1024 * 1024;

/** Closed after the test, unless the test did. */
export function openSpool(options: Partial<SpoolOptions> = {}): Spool {
  const path = options.path ?? temporaryFolder();
  const defaults = { path, size: 64 * MEBIBYTE, keep: 3_600_000, keyFile: '', podName: 'pod-1', mirror: true };
  const spool = Spool.open({ ...defaults, ...options });
  cleanUp(() => void spool.close());
  return spool;
}

let made = 0;

/** A UUID version 7 by its form, in rising order. */
export function nextId(): string {
  made += 1;
  return `0199c3a1-0000-7000-8000-${made.toString(16).padStart(12, '0')}`;
}

export function captureOf(body: Uint8Array | string = '', changes: Partial<Capture> = {}): Capture {
  const head = {
    listener: 'ambassador',
    method: 'POST',
    uri: '/api/users?x=1',
    rawHeaders: ['Host', 'localhost:8080', 'Content-Type', 'text/plain', 'X-Name', 'caf\u00e9'],
    authority: 'localhost:8080',
    scheme: 'http',
    httpVersion: '1.1',
    remoteAddress: '127.0.0.1',
  } as const;
  return {
    id: nextId(),
    timestamp: 1697812345.678,
    head,
    body: inMemory(typeof body === 'string' ? Buffer.from(body) : body),
    rule: 'users',
    target: 'prod',
    backendUrl: 'http://api:3000',
    reason: 'connect',
    errorReason: 'target refused the connection (ECONNREFUSED)',
    requestSent: 'no',
    attempts: [
      {
        at: 1697812345.679,
        url: 'http://api:3000/api/users?x=1',
        reason: 'connect',
        status: null,
        requestSent: 'no',
        ms: 3.2,
      },
    ],
    response: null,
    traceId: '',
    ...changes,
  };
}

export function inMemory(bytes: Uint8Array): BodyCopy {
  return { kind: 'memory', bytes, truncated: false, totalBytes: bytes.length };
}

export function inFile(file: number, totalBytes: number): BodyCopy {
  return { kind: 'file', file, truncated: false, totalBytes };
}

/** Bytes that look random and are the same each time. */
export function bytesOf(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let i = 0; i < length; i += 1) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Commits them and returns their sequence numbers; throws when one was refused. */
export function commitAll(spool: Spool, captures: readonly Capture[]): number[] {
  return spool.commit(captures).map(seqOf);
}

export function seqOf(outcome: CommitOutcome): number {
  if ('why' in outcome) throw new Error(`${outcome.id} was refused: ${outcome.why}`);
  return outcome.seq;
}

/** Streams a body to a file, in chunks, as the path thread does. */
export function writeFile(spool: Spool, file: number, bytes: Uint8Array, chunkBytes = 50_000): void {
  spool.openBody(file);
  for (let at = 0; at < bytes.length; at += chunkBytes) spool.writeBody(file, bytes.subarray(at, at + chunkBytes));
}

/** The record of an id; throws when there is none. */
export function recordOf(spool: Spool, id: string) {
  const record = spool.get(id);
  if (record === null) throw new Error(`${id} is not there`);
  return record;
}

/** What a function throws. */
export function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
