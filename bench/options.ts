/** What was asked on the command line of `npm run bench`. */
import { parseArgs } from 'node:util';

export const ROWS = [
  'requests',
  'posts',
  'rules',
  'start',
  'bulk',
  'captures',
  'drain',
  'captures-while-draining',
] as const;
export type RowName = (typeof ROWS)[number];

export const CONTENDERS = ['outrider', 'express', 'go', 'envoy', 'bare'] as const;
export type ContenderName = (typeof CONTENDERS)[number];

export interface BenchOptions {
  readonly rows: readonly RowName[];
  readonly contenders: readonly ContenderName[];
  /** Rounds of the rows that are held against a budget; the others have 3 at most. */
  readonly rounds: number;
  readonly warmSeconds: number;
  readonly loadSeconds: number;
  readonly starts: number;
  readonly bulkBytes: number;
  /** Where the report goes; '' for the terminal alone. */
  readonly out: string;
}

export const USAGE = `npm run bench -- [--quick] [--only ROW,…] [--with NAME,…] [--rounds N] [--out FILE]
  --quick   shorter and with fewer rounds: tells whether something broke, not how fast it is
  --only    rows: ${ROWS.join(', ')}
  --with    contenders: ${CONTENDERS.join(', ')}
  --out     where the report goes; without it, a run of everything writes bench/RESULTS.md, others only print`;

const FLAGS = {
  quick: { type: 'boolean', default: false },
  only: { type: 'string', default: '' },
  with: { type: 'string', default: '' },
  rounds: { type: 'string', default: '' },
  out: { type: 'string', default: '' },
  help: { type: 'boolean', default: false },
} as const;

const FULL = { rounds: 5, warmSeconds: 2, loadSeconds: 5, starts: 10, bulkBytes: 2 ** 30 };
const QUICK = { rounds: 3, warmSeconds: 1, loadSeconds: 2, starts: 5, bulkBytes: 2 ** 28 };

/**
 * @returns null when help was asked for
 * @throws Error naming what is not understood and what is
 */
export function readOptions(args: readonly string[], defaultOut: string): BenchOptions | null {
  const { values } = parseArgs({ args: [...args], options: FLAGS });
  if (values.help) return null;
  const rows = chosen('--only', values.only, ROWS);
  const contenders = chosen('--with', values.with, CONTENDERS);
  const size = values.quick ? QUICK : FULL;
  const complete = !values.quick && rows.length === ROWS.length && contenders.length === CONTENDERS.length;
  return {
    ...size,
    rows,
    contenders,
    rounds: values.rounds === '' ? size.rounds : readRounds(values.rounds),
    out: values.out === '' && complete ? defaultOut : values.out,
  };
}

function chosen<T extends string>(flag: string, text: string, all: readonly T[]): readonly T[] {
  if (text === '') return all;
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !all.some((known) => known === name));
  if (unknown.length > 0)
    throw new Error(`${flag}: no such thing as ${unknown.join(', ')}; there are ${all.join(', ')}`);
  return all.filter((known) => names.includes(known));
}

function readRounds(text: string): number {
  const rounds = Number(text);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds: ${text} is not a whole number above 0`);
  return rounds;
}
