/** What must hold of a spool whose life (spool-life.ts) was cut short anywhere. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Spool } from '../../src/record/spool.ts';
import { captureOf, commitAll, openSpool, recordOf, sha256 } from './spool-fixtures.ts';

/** What the process had said by then. */
export interface Said {
  /** Digest of each body that it called kept, by id. */
  readonly kept: ReadonlyMap<string, string>;
  /** Sequence numbers that it began to mark, and those it called marked: they may be gone by then. */
  readonly marking: ReadonlySet<number>;
  readonly marked: ReadonlySet<number>;
  readonly parked: ReadonlySet<number>;
}

export function saidIn(lines: readonly string[]): Said {
  const after = (word: string): string[] =>
    lines.filter((line) => line.startsWith(`${word} `)).flatMap((line) => line.split(' ').slice(1));
  const numbers = (word: string): Set<number> => new Set(after(word).map(Number));
  const kept = lines.filter((line) => line.startsWith('kept ')).map((line) => line.split(' '));
  return {
    kept: new Map(kept.flatMap(([, id, sha]) => (id === undefined || sha === undefined ? [] : [[id, sha]]))),
    marking: numbers('marking'),
    marked: numbers('marked'),
    parked: numbers('parked'),
  };
}

/** Opens it and throws, with `where` in the message, at the first thing that was lost, invented or left lying about. */
export function checkLife(path: string, said: Said, where: string): void {
  const spool = openSpool({ path, size: 4 << 20 });
  try {
    while (spool.moveSome() === 'moved');
    const wrong = [...problemsOf(spool, said), ...leftOvers(spool)];
    if (wrong.length > 0) throw new Error(`${where}: ${wrong.join('; ')}`);
    const capture = captureOf('goes on');
    commitAll(spool, [capture]);
    recordOf(spool, capture.id);
  } finally {
    spool.close();
  }
}

function problemsOf(spool: Spool, { kept, marking, marked, parked }: Said): string[] {
  const problems = spool.warnings.map((warning) => `warns of ${warning}`);
  const records = spool.list({ limit: 1000 });
  const byId = new Map(records.map((record) => [record.id, record]));
  const gone = marking.size;
  const missing = [...kept.keys()].filter((id) => !byId.has(id));
  if (missing.length > gone) problems.push(`lost ${missing.join(' ')}`);
  for (const record of records) {
    const { id, seq, mirror, state, head } = record;
    if (state !== 'held') problems.push(`${id} is ${state}`);
    else if (sha256(spool.readBody(record)) !== head.errorReason) problems.push(`${id} has another body`);
    const sha = kept.get(id);
    if (sha !== undefined && sha !== head.errorReason) problems.push(`${id} is another record`);
    if (marked.has(seq) && mirror !== 'mirrored') problems.push(`${id} is ${mirror} again`);
    if (!marking.has(seq) && mirror === 'mirrored') problems.push(`${id} was never mirrored`);
    if (parked.has(seq) && mirror !== 'parked') problems.push(`${id} is ${mirror} instead of parked`);
  }
  for (const id of missing) if (!marking.has(seqOfId(id))) problems.push(`lost ${id}`);
  const { captured, difference, states } = spool.ledger();
  if (states.quarantined > 0) problems.push(`${states.quarantined} quarantined`);
  if (difference !== 0) problems.push(`the ledger differs by ${difference}`);
  if (captured < kept.size) problems.push(`${captured} captured, ${kept.size} acknowledged`);
  return problems;
}

/** In that life the first records have the numbers that their ids end with. */
const seqOfId = (id: string): number => Number(id.slice(-12));

/** Body files without a record, or the other way round; folders that should have moved. */
function leftOvers(spool: Spool): string[] {
  const files = readdirSync(join(spool.folder, 'bodies')).length;
  const large = spool.list({ limit: 1000 }).filter(({ storedBytes }) => storedBytes > 65_536).length;
  const beside = readdirSync(join(spool.folder, '..')).filter((name) => name !== 'pod-1');
  if (beside.length > 0) return [`${beside.join()} is left`];
  return files === large ? [] : [`${files} body files for ${large} records`];
}
