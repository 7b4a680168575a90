/**
 * Run as a process of its own, to be killed: commits without end and prints each acknowledged id with the SHA-256 of its
 * body. Arguments: folder, size in bytes, and `mirror` to release what it can.
 */

import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import type { Capture } from '../../src/exchange.ts';
import { Spool } from '../../src/record/spool.ts';

const [path = '', size = '0', mode = ''] = process.argv.slice(2);
const spool = Spool.open({ path, size: Number(size), keep: 3_600_000, keyFile: '', podName: 'pod-1', mirror: true });
writeSync(1, 'open\n');

let files = 0;

function capture(): { readonly capture: Capture; readonly sha: string } {
  const isLarge = Math.random() < 0.15;
  const bytes = randomBytes(isLarge ? 70_000 + Math.floor(Math.random() * 60_000) : Math.floor(Math.random() * 3000));
  const sha = createHash('sha256').update(bytes).digest('hex');
  const totalBytes = bytes.length;
  const head = {
    ...{
      listener: 'a',
      method: 'POST',
      uri: '/',
      rawHeaders: ['Host', 'x'],
      authority: 'x',
      remoteAddress: '127.0.0.1',
    },
    ...({ scheme: 'http', httpVersion: '1.1' } as const),
  };
  const facts = {
    backendUrl: 'http://x',
    reason: 'connect',
    errorReason: sha,
    requestSent: 'no',
    traceId: '',
  } as const;
  const common = {
    id: randomUUID(),
    timestamp: 1,
    head,
    rule: 'r',
    target: 't',
    attempts: [],
    response: null,
    ...facts,
  };
  if (!isLarge) return { sha, capture: { ...common, body: { kind: 'memory', bytes, truncated: false, totalBytes } } };
  files += 1;
  spool.openBody(files);
  for (let at = 0; at < bytes.length; at += 60_000) spool.writeBody(files, bytes.subarray(at, at + 60_000));
  return { sha, capture: { ...common, body: { kind: 'file', file: files, truncated: false, totalBytes } } };
}

for (;;) {
  const group = Array.from({ length: 1 + Math.floor(Math.random() * 20) }, capture);
  const outcomes = spool.commit(group.map((each) => each.capture));
  const lines = outcomes.map((outcome, index) => ('why' in outcome ? '' : `${outcome.id} ${group[index]?.sha}\n`));
  writeSync(1, lines.join(''));
  if (mode !== 'mirror') continue;
  const seqs = spool.waiting(0, 1000).map(({ seq }) => seq);
  spool.markMirrored(seqs);
}
