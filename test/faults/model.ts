/** What callers were promised, and when the process was not there to be asked. */
import type { Lane } from './requests.ts';

export interface Promised {
  readonly id: string;
  readonly lane: Lane;
  readonly n: number;
  /** `outrider-capture: partial`: without all of its body. */
  readonly partial: boolean;
  /** Which caller: its requests came one after the other. */
  readonly caller: number;
  /** Its `Model.epoch`, null when that changed meanwhile: the order of records is that of one spool file. */
  readonly epoch: number | null;
}

interface Window {
  readonly from: number;
  to: number;
}

export class Model {
  readonly promised: Promised[] = [];
  /** Requests begun, by lane: numbers below these were sent. */
  readonly sent: Record<Lane, number> = { live: 0, fail: 0 };
  /** Answers to failures, by what they said of the record: `committed`, `partial`, `failed`, `pending`, `none`. */
  readonly outcomes = new Map<string, number>();
  /** Requests of the failing lane that got no whole answer. */
  unanswered = 0;
  /** Live requests that failed while the process was there. */
  readonly liveErrors: string[] = [];
  /** Live requests that failed because the process was gone. */
  excused = 0;
  readonly latencies: number[] = [];
  readonly calmLatencies: number[] = [];
  /** Rises when a disk fault begins and when it is over: odd while the spool may change its file. */
  epoch = 0;
  readonly #dead: Window[] = [];
  readonly #busy: Window[] = [];

  count(outcome: string): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }

  /** The process is gone, or on its way, until the function that it gives is called. */
  dead(): () => void {
    return open(this.#dead);
  }

  /** Something is broken on purpose. */
  busy(): () => void {
    return open(this.#busy);
  }

  live(from: number, to: number, problem: string | null): void {
    if (problem !== null) {
      if (overlaps(this.#dead, from, to)) this.excused += 1;
      else this.liveErrors.push(problem);
      return;
    }
    this.latencies.push(to - from);
    if (!overlaps(this.#dead, from, to) && !overlaps(this.#busy, from, to)) this.calmLatencies.push(to - from);
  }
}

function open(windows: Window[]): () => void {
  const window: Window = { from: performance.now(), to: Number.POSITIVE_INFINITY };
  windows.push(window);
  return () => {
    window.to = performance.now();
  };
}

/** Looked at from the newest on: those are the ones that count. */
function overlaps(windows: readonly Window[], from: number, to: number): boolean {
  const last = windows.findLast((window) => window.from <= to);
  return last !== undefined && last.to >= from;
}

/** Of numbers in any order; 0 when there is none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
