/**
 * Run as a process of its own, to be killed at any of its steps: a short life of a spool in which each thing happens
 * that touches the disk. Says on stdout, line by line, what it was told; `marking` comes before, the rest after the
 * fact. Arguments: the folder, and `move` for the life of one whose database fails and moves.
 */
import { createHash } from 'node:crypto';
import { rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { BodyCopy, Capture } from '../../src/exchange.ts';
import { Spool, SpoolError } from '../../src/record/spool.ts';

const [path = '', mode = ''] = process.argv.slice(2);
/** So small that its WAL is written back after a few bodies. */
const options = { path, size: 4 << 20, keep: 0, keyFile: '', podName: 'pod-1', mirror: true };
const say = (line: string): number => writeSync(1, `${line}\n`);

let made = 0;

/** Bytes that differ from record to record; the record tells their digest. */
function capture(bytes: number, spool: Spool | null = null): Capture {
  made += 1;
  const body = Buffer.alloc(bytes, createHash('sha256').update(`${path} ${made}`).digest());
  const sha = createHash('sha256').update(body).digest('hex');
  const head = {
    ...{ listener: 'a', method: 'POST', uri: '/', rawHeaders: ['Host', 'x'], authority: 'x', remoteAddress: '' },
    ...({ scheme: 'http', httpVersion: '1.1' } as const),
  };
  const facts = {
    backendUrl: 'http://x',
    reason: 'connect',
    errorReason: sha,
    requestSent: 'no',
    traceId: '',
  } as const;
  const common = { timestamp: 1, head, rule: 'r', target: 't', attempts: [], response: null, ...facts };
  return { id: `0199c3a2-0000-7000-8000-${String(made).padStart(12, '0')}`, ...common, body: copyOf(body, spool) };
}

function copyOf(bytes: Buffer, spool: Spool | null): BodyCopy {
  const totalBytes = bytes.length;
  if (spool === null) return { kind: 'memory', bytes, truncated: false, totalBytes };
  spool.openBody(made);
  for (let at = 0; at < totalBytes; at += 40_000) spool.writeBody(made, bytes.subarray(at, at + 40_000));
  return { kind: 'file', file: made, truncated: false, totalBytes };
}

function commit(spool: Spool, captures: readonly Capture[]): number[] {
  const sha = new Map(captures.map(({ id, errorReason }) => [id, errorReason]));
  return spool.commit(captures).flatMap((outcome) => {
    if ('why' in outcome) return [];
    say(`kept ${outcome.id} ${sha.get(outcome.id)}`);
    return outcome.seq;
  });
}

function liveWith(spool: Spool): void {
  const small = commit(spool, [capture(10), capture(2000), capture(0)]);
  const large = commit(spool, [capture(90_000, spool), capture(50)]);
  for (let i = 0; i < 3; i += 1) commit(spool, [capture(60_000), capture(60_000)]);
  const released = [small[0] ?? 0, large[0] ?? 0];
  say(`marking ${released.join(' ')}`);
  spool.markMirrored(released);
  say(`marked ${released.join(' ')}`);
  spool.park(small[1] ?? 0, 'refused');
  say(`parked ${small[1]}`);
  spool.expire();
  say('expired');
  capture(70_000, spool);
  spool.dropBody(made);
  spool.maintain();
  commit(spool, [capture(70_000)]);
  say('maintained');
}

/** A fault, after which the folder is set aside and its records move over; its WAL was written back before. */
function moveWith(spool: Spool): Spool {
  commit(spool, [capture(10), capture(90_000, spool), capture(60_000)]);
  commit(spool, [capture(80_000, spool), capture(0)]);
  spool.maintain();
  rmSync(join(spool.folder, 'spool.db-wal'));
  try {
    spool.maintain();
  } catch (error) {
    if (!(error instanceof SpoolError)) throw error;
  }
  spool.close();
  say('failed');
  const next = Spool.open(options);
  commit(next, [capture(100)]);
  while (next.moveSome() === 'moved') say('moved');
  commit(next, [capture(70_000)]);
  next.maintain();
  return next;
}

say('MARK');
const first = Spool.open(options);
if (mode === 'move') moveWith(first).close();
else {
  liveWith(first);
  first.close();
}
const second = Spool.open(options);
say('opened again');
commit(second, [capture(100), capture(80_000, second)]);
say('END');
