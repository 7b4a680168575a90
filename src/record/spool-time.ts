/** Running time of a spool: it goes on only while a process has it open, and no clock can move it. */
export class RunningTime {
  readonly #before: number;
  readonly #clock: () => number;
  readonly #start: number;

  /** `beforeMs`: what had passed when the spool was opened. `clock`: monotonic milliseconds. */
  constructor(beforeMs: number, clock: () => number) {
    this.#before = beforeMs;
    this.#clock = clock;
    this.#start = clock();
  }

  /** Milliseconds. */
  now(): number {
    return this.#before + Math.max(0, this.#clock() - this.#start);
  }
}
