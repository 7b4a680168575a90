/** The order of what goes wrong: made from the seed alone, so that the same seed is the same run. */
import { randomFrom } from '../dispatch/fixtures.ts';
import type { RunSize } from './size.ts';

export type Operation =
  /** kill -9 after so many more promises of a burst. */
  | { readonly kind: 'kill'; readonly after: number; readonly next: 'drain' | 'native' }
  /** SIGTERM, in the shutdown mode that the process was started with. */
  | { readonly kind: 'end'; readonly next: 'drain' | 'native' }
  | { readonly kind: 'brokerDown'; readonly how: 'stop' | 'kill' | 'freeze' }
  | { readonly kind: 'brokerUp' }
  | { readonly kind: 'diskFull' }
  | { readonly kind: 'diskFree' }
  | { readonly kind: 'fsyncError' }
  | { readonly kind: 'slowDisk' }
  | { readonly kind: 'configEdit'; readonly turn: number };

/** A broker or a disk is away for the time of so many other operations, at most. */
const AWAY = 3;
const BURST = 150;

export function planOf(size: RunSize): Operation[] {
  const random = randomFrom(size.seed);
  const mode = (): 'drain' | 'native' => (random() < 0.5 ? 'drain' : 'native');
  const single = (kind: Operation['kind'], turn: number): Operation => {
    if (kind === 'kill') return { kind, after: Math.floor(random() * BURST), next: mode() };
    if (kind === 'end') return { kind, next: mode() };
    if (kind === 'configEdit') return { kind, turn };
    return { kind } as Operation;
  };
  const times = (kind: Operation['kind'], count: number): Operation[] =>
    Array.from({ length: count }, (_, index) => single(kind, index + 1));
  const plain = shuffle(random, [
    ...times('kill', size.kills),
    ...times('end', size.ends),
    ...times('fsyncError', size.fsyncErrors),
    ...times('slowDisk', size.slowDisk),
    ...times('configEdit', size.configEdits),
  ]);
  const broker: Operation[] = [
    ...Array.from({ length: size.brokerRestarts }, () => ({
      kind: 'brokerDown' as const,
      how: random() < 0.5 ? ('stop' as const) : ('kill' as const),
    })),
    ...Array.from({ length: size.brokerFreezes }, () => ({ kind: 'brokerDown' as const, how: 'freeze' as const })),
  ];
  const disk: Operation[] = times('diskFull', size.diskFull);
  return weave(
    random,
    weave(random, plain, shuffle(random, broker), { kind: 'brokerUp' }),
    disk,
    { kind: 'diskFree' },
    NEED_THE_DISK,
  );
}

/** What shows only while the disk takes writes. */
const NEED_THE_DISK: ReadonlySet<Operation['kind']> = new Set(['fsyncError', 'slowDisk']);

/** Puts each of `faults` and its end into the list, spread over it, never two at a time, and none of `needs` between. */
function weave(
  random: () => number,
  list: readonly Operation[],
  faults: readonly Operation[],
  end: Operation,
  needs: ReadonlySet<Operation['kind']> = new Set(),
): Operation[] {
  const share = Math.floor(list.length / Math.max(1, faults.length));
  return faults.length === 0
    ? [...list]
    : faults.flatMap((fault, index) => {
        const own = list.slice(index * share, index === faults.length - 1 ? undefined : (index + 1) * share);
        const from = Math.floor(random() * Math.max(1, own.length - 1));
        const most = Math.floor(random() * (AWAY + 1));
        const inTheWay = own.slice(from, from + most).findIndex(({ kind }) => needs.has(kind));
        const away = inTheWay < 0 ? most : inTheWay;
        return [...own.slice(0, from), fault, ...own.slice(from, from + away), end, ...own.slice(from + away)];
      });
}

function shuffle<T>(random: () => number, list: readonly T[]): T[] {
  return list
    .map((value) => ({ value, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}
