/**
 * Run as a process of its own: fills a spool in large batches. Arguments: folder, name of the pod, bytes, bytes of a
 * body, and what a body is of: `noise` (nothing compresses it) or `json`.
 */
import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import type { Capture } from '../../src/exchange.ts';
import { Spool } from '../../src/record/spool.ts';

const [path = '', podName = '', size = '0', bodyBytes = '0', kind = 'noise'] = process.argv.slice(2);
const limit = Number(size);
const spool = Spool.open({ path, podName, size: limit * 2, keep: 3_600_000, keyFile: '', mirror: true });
const type = kind === 'json' ? 'application/json' : 'application/octet-stream';
const head = {
  ...{
    listener: 'ambassador',
    method: 'POST',
    uri: '/down',
    rawHeaders: ['Host', 'app', 'Content-Type', type],
    authority: 'app',
  },
  ...({ scheme: 'http', httpVersion: '1.1', remoteAddress: '127.0.0.1' } as const),
};
const facts = {
  rule: 'default',
  target: 'down',
  backendUrl: 'http://127.0.0.1:1',
  errorReason: 'refused',
  traceId: '',
};
const body = kind === 'json' ? orders(Number(bodyBytes)) : randomBytes(Number(bodyBytes));

/** Not longer than so many bytes. */
function orders(bytes: number): Buffer {
  const lines = [];
  for (let length = 2; ; ) {
    const line: string = JSON.stringify({
      order: randomBytes(8).toString('hex'),
      quantity: lines.length,
      note: 'as agreed',
    });
    length += line.length + 1;
    if (length > bytes) return Buffer.from(`[${lines.join(',')}]`);
    lines.push(line);
  }
}

function capture(): Capture {
  const copy = { kind: 'memory', bytes: body, truncated: false, totalBytes: body.length } as const;
  const rest = { reason: 'connect', requestSent: 'no', attempts: [], response: null } as const;
  return { id: v7(), timestamp: Date.now() / 1000, head, ...facts, ...rest, body: copy };
}

let records = 0;
while (spool.stats().bytes < limit) {
  const outcomes = spool.commit(Array.from({ length: 3000 }, capture));
  records += outcomes.filter((outcome) => 'seq' in outcome).length;
}
// Not closed: as a kill leaves it, with a WAL.
process.stdout.write(`${records}\n`, () => process.kill(process.pid, 'SIGKILL'));
