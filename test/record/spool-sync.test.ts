/** The order of writes and fsyncs, as the kernel sees it: what a kill -9 can't show and a lost power would. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { openSpool } from './spool-fixtures.ts';

const HAS_STRACE = process.env.CI === 'true' || spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;
const SPOOL = join(import.meta.dirname, '../../src/record/spool.ts');
const FIXTURE = `
import { Spool } from ${JSON.stringify(SPOOL)};
import { writeSync } from 'node:fs';
const spool = Spool.open({ path: process.argv[2], size: 1 << 26, keep: 0, keyFile: '', podName: 'p', mirror: true });
const head = { listener: 'a', method: 'POST', uri: '/', rawHeaders: [], authority: 'x', scheme: 'http', httpVersion: '1.1', remoteAddress: '' };
const facts = { rule: 'r', target: 't', backendUrl: '', reason: 'connect', errorReason: '', requestSent: 'no', attempts: [], response: null, traceId: '' };
writeSync(1, 'MARK begin');
spool.openBody(1);
spool.writeBody(1, new Uint8Array(100_000));
const file = { kind: 'file', file: 1, truncated: false, totalBytes: 100_000 };
const small = { kind: 'memory', bytes: new Uint8Array(10), truncated: false, totalBytes: 10 };
const captures = [file, small].map((body, index) => ({ id: 'id-' + index, timestamp: 1, head, ...facts, body }));
const outcomes = spool.commit(captures);
writeSync(1, 'MARK committed ' + outcomes.length);
spool.markMirrored([outcomes[1].seq]);
writeSync(1, 'MARK marked');
spool.markMirrored([outcomes[0].seq]);
writeSync(1, 'MARK expiring');
spool.expire();
writeSync(1, 'MARK expired');
process.kill(process.pid, 'SIGKILL');
`;

/** One entry a system call on the spool's files: `write spool.db-wal`, `fsync bodies` …, and the marks. */
function trace(): string[] {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'run.ts'), FIXTURE);
  const log = join(folder, 'strace.log');
  const calls = 'trace=write,pwrite64,fsync,fdatasync,unlink,unlinkat';
  spawnSync('strace', [
    '-f',
    '-y',
    '-s',
    '60',
    '-e',
    calls,
    '-o',
    log,
    process.execPath,
    join(folder, 'run.ts'),
    folder,
  ]);
  return readFileSync(log, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const mark = /"(MARK [a-z]+)/.exec(line)?.[1];
      if (mark !== undefined) return [mark];
      if (/\bunlink(?:at)?\(.*[0-9a-f]{32}"/.test(line)) return ['unlink BODY'];
      const call = /\b(pwrite64|write|fsync|fdatasync)\(\d+<([^>]*)>.*= \d/.exec(line);
      if (call === null || !call[2]?.startsWith(join(folder, 'p'))) return [];
      const name = call[2].replace(/^.*\//, '').replace(/^[0-9a-f]{32}$/, 'BODY');
      return [`${call[1]?.includes('write') ? 'write' : 'sync'} ${name}`];
    });
}

(HAS_STRACE ? test : test.skip)(
  'bodies and their folder are on the disk before the row, the row before the answer, a removed row before its body goes',
  () => {
    const calls = trace();
    const between = (from: string, to: string) => calls.slice(calls.indexOf(from) + 1, calls.indexOf(to));
    const commit = between('MARK begin', 'MARK committed');
    const [body, folder, row] = ['sync BODY', 'sync bodies', 'write spool.db-wal'].map((call) => commit.indexOf(call));
    expect(commit.lastIndexOf('write BODY')).toBeLessThan(body ?? -1);
    expect(body).toBeGreaterThan(-1);
    expect(folder).toBeGreaterThan(body ?? Number.NaN);
    expect(row).toBeGreaterThan(folder ?? Number.NaN);
    // The second count comes after it, and before anyone hears of the commit.
    expect(commit.slice(-2)).toEqual(['sync spool.db-wal', 'write count']);
    // One group, one fsync of the WAL.
    expect(commit.filter((call) => call === 'sync spool.db-wal')).toHaveLength(1);
    const marked = between('MARK committed', 'MARK marked');
    expect(marked).toContain('write spool.db-wal');
    expect(marked.slice(-2)).toEqual(['sync spool.db-wal', 'write count']);
    // A row must never name a body that is gone.
    const expired = between('MARK expiring', 'MARK expired');
    expect(expired.indexOf('sync spool.db-wal')).toBeGreaterThan(-1);
    expect(expired.indexOf('unlink BODY')).toBeGreaterThan(expired.indexOf('sync spool.db-wal'));
  },
  60_000,
);

(HAS_STRACE ? test : test.skip)(
  'the key and the folder are on the disk before anything is sealed',
  () => {
    const calls = trace();
    const opening = calls.slice(0, calls.indexOf('MARK begin'));
    const key = opening.findIndex((call) => /^sync key\.new/.test(call));
    expect(key).toBeGreaterThan(-1);
    expect(opening.indexOf('sync p', key)).toBeGreaterThan(key);
  },
  60_000,
);

const LOOP = `
import { Spool } from ${JSON.stringify(SPOOL)};
import { writeSync } from 'node:fs';
const spool = Spool.open({ path: process.argv[2], size: 1 << 26, keep: 0, keyFile: '', podName: 'p', mirror: true });
const head = { listener: 'a', method: 'POST', uri: '/', rawHeaders: [], authority: 'x', scheme: 'http', httpVersion: '1.1', remoteAddress: '' };
const facts = { rule: 'r', target: 't', backendUrl: '', reason: 'connect', errorReason: '', requestSent: 'no', attempts: [], response: null, traceId: '' };
for (let i = 0; i < 20; i += 1) {
  const body = { kind: 'memory', bytes: new Uint8Array(10), truncated: false, totalBytes: 10 };
  try {
    const [outcome] = spool.commit([{ id: 'id-' + i, timestamp: 1, head, ...facts, body }]);
    writeSync(1, (outcome.why === undefined ? 'committed ' : 'refused ') + outcome.id + '\\n');
  } catch (error) {
    writeSync(1, 'threw ' + error.fault + '\\n');
  }
}
process.kill(process.pid, 'SIGKILL');
`;

(HAS_STRACE ? test : test.skip)(
  'a failed fsync is told as a failure, and nothing is committed to that file after it',
  () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'run.ts'), LOOP);
    const inject = 'inject=fdatasync,fsync:error=EIO:when=25';
    const args = [
      '-f',
      '-e',
      'trace=fdatasync,fsync',
      '-e',
      inject,
      '-o',
      '/dev/null',
      process.execPath,
      join(folder, 'run.ts'),
      folder,
    ];
    const lines = spawnSync('strace', args).stdout.toString().trim().split('\n');
    const failed = lines.findIndex((line) => !line.startsWith('committed'));
    expect(failed).toBeGreaterThan(0);
    expect(lines[failed]).toBe(`refused id-${failed}`);
    expect(new Set(lines.slice(failed + 1))).toEqual(new Set(['threw io']));
    const spool = openSpool({ path: folder, podName: 'p' });
    for (let i = 0; i < failed; i += 1) expect(spool.get(`id-${i}`)?.id).toBe(`id-${i}`);
  },
  60_000,
);
