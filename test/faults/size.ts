/** How much one run does. `npm run test:faults` sets these from its options; `npm test` runs the selection. */

export interface RunSize {
  readonly seed: number;
  /** At least; live and failing ones together. */
  readonly requests: number;
  /** Of those, at least, that fail and are kept. */
  readonly failures: number;
  /** kill -9 of the process. */
  readonly kills: number;
  /** SIGTERM, in both shutdown modes in turn. */
  readonly ends: number;
  /** Broker stopped or killed, and started again. */
  readonly brokerRestarts: number;
  /** SIGSTOP of the broker. */
  readonly brokerFreezes: number;
  readonly diskFull: number;
  readonly fsyncErrors: number;
  readonly slowDisk: number;
  readonly configEdits: number;
  /** What the load is spread over, when operations take no longer. */
  readonly aimSeconds: number;
  /** No operation starts after that. */
  readonly maxMinutes: number;
  /** Folder for the report; null: it is only printed. */
  readonly reportFolder: string | null;
}

type Counts = Omit<RunSize, 'seed' | 'reportFolder'>;

/** What is promised of the whole suite. */
const FULL: Counts = {
  requests: 200_000,
  failures: 20_000,
  kills: 60,
  ends: 8,
  brokerRestarts: 5,
  brokerFreezes: 2,
  diskFull: 2,
  fsyncErrors: 2,
  slowDisk: 2,
  configEdits: 8,
  aimSeconds: 480,
  maxMinutes: 22,
};

const SELECTION: Counts = {
  requests: 8_000,
  failures: 1_000,
  kills: 5,
  ends: 2,
  brokerRestarts: 1,
  brokerFreezes: 1,
  diskFull: 1,
  fsyncErrors: 1,
  slowDisk: 1,
  configEdits: 2,
  aimSeconds: 40,
  maxMinutes: 3,
};

type Env = Readonly<Record<string, string | undefined>>;

/** From `OUTRIDER_FAULTS`, JSON with any of the numbers; `{"full": true}` starts from the full size. */
export function sizeFrom(env: Env): RunSize {
  const given: Partial<RunSize> & { readonly full?: boolean } = JSON.parse(env.OUTRIDER_FAULTS ?? '{}');
  const { full = false, ...numbers } = given;
  const seed = Number(env.OUTRIDER_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  return { seed, reportFolder: null, ...(full ? FULL : SELECTION), ...numbers };
}
