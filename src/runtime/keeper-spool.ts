/**
 * The keeper's hold on the spool: opens it, tries again while it can't be had, and commits in groups: all that
 * failed since the last commit is one transaction and one fsync.
 */
import type { Capture, CaptureResult, Settings } from '../exchange.ts';
import { LOSSES, type LossCounts } from '../record/ledger.ts';
import { createRedactor, type Redactor, redactCapture } from '../record/redact.ts';
import { type Closed, type CommitOutcome, Spool, SpoolError } from '../record/spool.ts';
import type { KeeperLog } from '../watch/log.ts';
import type { Counter, Histogram, Meter } from '../watch/meter.ts';
import { messageOf } from './error-message.ts';
import { KeeperBodies } from './keeper-bodies.ts';
import { KeeperChores } from './keeper-chores.ts';
import { KeeperLosses } from './keeper-losses.ts';

export interface KeeperSpoolOptions {
  readonly settings: () => Settings;
  readonly podName: string;
  readonly log: KeeperLog;
  readonly meter: Meter;
  readonly answer: (results: (readonly [id: string, result: CaptureResult])[]) => void;
  readonly written: (bytes: number) => void;
  readonly bodyFailed: (file: number, why: string) => void;
  /** The spool was opened, or opened again. */
  readonly opened: (spool: Spool) => void;
  /** New records are committed. */
  readonly committed: () => void;
  /** Whether failures can be kept, on a volume that keeps them. */
  readonly usable: (usable: boolean) => void;
}

/** Of a small database that moves over: before anything new is committed, so that the order stays. */
const MOVE_FIRST_MS = 100;
const SAME_ERROR_MS = 10_000;
const nothing = (): void => undefined;

/** The same object each time crosses to the path once a message. */
const COMMITTED: CaptureResult = { kind: 'committed', partial: false };
const PARTIAL: CaptureResult = { kind: 'committed', partial: true };

export class KeeperSpool {
  spool: Spool | null = null;
  /** Why the last commits failed, though it is open; '' when they didn't. */
  failing = '';
  /** Why there is none, for people; '' when there is. */
  problem = '';
  private readonly options: KeeperSpoolOptions;
  private readonly commitSeconds: Histogram;
  private readonly errors = new Map<string, Counter>();
  private queue: Capture[] = [];
  private onDone: (() => void)[] = [];
  private readonly bodies: KeeperBodies;
  private scheduled = false;
  /** Captures that were given up before they came here. */
  readonly losses: KeeperLosses;
  private readonly chores: KeeperChores;
  /** What is to be told to the next opening about a database that failed. */
  private before: Closed = { mustSetAside: false, vanished: null };
  private told = { message: '', at: 0 };
  private toldVolume = '';
  private toldLost: LossCounts | null = null;
  private redactor: Redactor | null = null;
  private redactorFor: unknown = null;

  constructor(options: KeeperSpoolOptions) {
    this.options = options;
    this.commitSeconds = options.meter.histogram('outrider_spool_commit_duration_seconds', {});
    this.bodies = new KeeperBodies({
      spool: () => this.opened(),
      written: options.written,
      failed: (file, why, operation) => this.bodyFailed(file, why, operation),
    });
    this.losses = new KeeperLosses(
      () => this.spool,
      (error) => this.choreFailed(error),
    );
    this.chores = new KeeperChores({
      spool: () => this.spool,
      open: () => this.open(),
      moved: () => options.committed(),
      maintained: () => this.maintained(),
      failed: (error) => this.choreFailed(error),
    });
  }

  /** Opens it, or says why not and tries again each second. */
  open(): void {
    const { spool } = this.options.settings().process;
    if (!spool.enabled) {
      this.problem = 'spool: switched off by spool.enabled: false';
      this.options.usable(false);
      return;
    }
    try {
      this.spool = this.tryOpen();
      if (this.problem !== '') this.options.log.log('info', { path: spool.path }, 'the spool is available again');
      this.problem = '';
      this.before = { mustSetAside: false, vanished: null };
      this.moveFirst(this.spool);
      this.options.opened(this.spool);
    } catch (error) {
      this.failedToOpen(error);
    }
    this.options.usable(this.unusable === '');
    this.chores.start();
  }

  /** Why the promise can't be kept, for `spool.required`; '' when it can. */
  get unusable(): string {
    return this.spool === null ? this.problem : this.spool.volume.warning;
  }

  private moveFirst(spool: Spool): void {
    const end = performance.now() + MOVE_FIRST_MS;
    try {
      while (performance.now() < end && spool.moveSome() === 'moved');
    } catch (error) {
      // The chores go on with it, or find the spool broken.
      this.options.log.log('warn', { error: messageOf(error) }, 'records of an older database could not be moved yet');
    }
  }

  /** `done`: they have been committed or given up, and their bodies are read no more. */
  receive(captures: readonly Capture[], done = nothing): void {
    for (const capture of captures) this.queue.push(capture);
    this.onDone.push(done);
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.commit());
  }

  body(file: number, chunk: Uint8Array): void {
    this.bodies.write(file, chunk);
  }

  dropBody(file: number): void {
    this.bodies.drop(file);
  }

  private bodyFailed(file: number, why: string, operation: 'copy' | 'delete'): void {
    this.count(operation);
    if (operation === 'copy') this.options.bodyFailed(file, why);
    else this.options.log.log('warn', { error: why }, 'the copy of a body could not be deleted');
  }

  private opened(): Spool {
    if (this.spool === null) throw new Error(this.problem);
    return this.spool;
  }

  /** What takes secrets out, for the settings that run now. */
  redaction(): Redactor {
    const { redact } = this.options.settings().process.capture;
    if (this.redactor === null || this.redactorFor !== redact) {
      this.redactor = createRedactor(redact);
      this.redactorFor = redact;
    }
    return this.redactor;
  }

  /** Commits what waits, then lets go of the folder. */
  close(): void {
    this.commit();
    this.chores.stop();
    this.losses.close();
    this.spool?.close();
    this.spool = null;
  }

  private commit(): void {
    this.scheduled = false;
    const { queue, onDone } = this;
    if (queue.length === 0) return;
    this.queue = [];
    this.onDone = [];
    this.commitQueue(queue);
    for (const done of onDone) done();
  }

  private commitQueue(queue: readonly Capture[]): void {
    if (this.spool === null) {
      this.options.answer(queue.map(({ id }) => [id, { kind: 'failed', why: this.problem }]));
      return;
    }
    const began = performance.now();
    try {
      const results = this.commitTo(this.spool, queue);
      this.commitSeconds.observe((performance.now() - began) / 1000);
      this.options.answer(results);
      this.options.committed();
      // After a failed write nothing of this file is believed: it is opened anew, which checks it.
      if (this.spool.fault !== null) this.reopen();
    } catch (error) {
      this.failedToCommit(queue, error);
    }
  }

  private commitTo(spool: Spool, queue: readonly Capture[]): (readonly [string, CaptureResult])[] {
    const { keepOriginal } = this.options.settings().process.capture.redact;
    const captures = queue.map((capture) => this.bodies.withKnownBody(capture));
    const toStore = keepOriginal ? captures : captures.map((capture) => redactCapture(capture, this.redaction()));
    const outcomes = spool.commit(toStore);
    for (const { body } of captures) if (body.kind === 'file') this.bodies.release(body.file, keepOriginal);
    this.failing = whyNone(outcomes);
    return outcomes.map((outcome) => {
      if ('why' in outcome) return [outcome.id, { kind: 'failed', why: outcome.why }];
      return [outcome.id, outcome.partial ? PARTIAL : COMMITTED];
    });
  }

  private failedToCommit(queue: readonly Capture[], error: unknown): void {
    this.count('commit');
    const why = messageOf(error);
    this.options.answer(queue.map(({ id }) => [id, { kind: 'failed', why }]));
    this.options.log.log('error', { error: why, records: queue.length }, 'failed requests could not be kept');
    this.reopen();
  }

  /** After a fault, or for other settings. */
  reopen(): void {
    this.chores.stop();
    try {
      if (this.spool !== null) this.before = this.spool.close();
    } catch (error) {
      this.options.log.log('warn', { error: messageOf(error) }, 'the spool could not be closed cleanly');
    }
    this.spool = null;
    this.bodies.forgetAll();
    this.open();
  }

  private maintained(): void {
    this.failing = '';
    const { lost } = this.spool?.stats() ?? {};
    if (lost === undefined) return;
    for (const reason of LOSSES) {
      const more = lost[reason] - (this.toldLost?.[reason] ?? lost[reason]);
      if (more > 0)
        this.options.log.log('warn', { reason, records: more }, 'records were given up, as it is configured');
    }
    this.toldLost = lost;
  }

  private choreFailed(error: unknown): void {
    // The spool has told of its own.
    if (!(error instanceof SpoolError)) {
      this.count('delete');
      this.options.log.log('error', { error: messageOf(error) }, 'the spool could not be maintained');
    }
    if (this.spool?.fault) this.reopen();
  }

  /** Counted each time, told once in a while: a full disk fails at every commit. */
  private tell(error: SpoolError): void {
    this.count(error.operation);
    const now = performance.now();
    if (error.message === this.told.message && now - this.told.at < SAME_ERROR_MS) return;
    this.told = { message: error.message, at: now };
    this.options.log.log('error', { error: error.message }, 'the spool has a problem');
  }

  private tryOpen(): Spool {
    const { process: settings } = this.options.settings();
    const { path, size, keep, keyFile, maxAge, whenFull } = settings.spool;
    const mirror = settings.kafka.brokers.length > 0;
    const { podName, log } = this.options;
    const spool = Spool.open({ path, size, keep, keyFile, maxAge, whenFull, podName, mirror, ...this.before });
    for (const warning of spool.warnings) log.log('warn', { path }, warning);
    if (spool.volume.warning !== this.toldVolume) log.log('warn', { path }, spool.volume.warning);
    this.toldVolume = spool.volume.warning;
    spool.onNews = (level, message) => log.log(level, { path }, message);
    spool.onError = (error) => this.tell(error);
    return spool;
  }

  private failedToOpen(error: unknown): void {
    this.count('open');
    const problem = messageOf(error);
    if (problem !== this.problem) {
      this.options.log.log('error', { error: problem }, 'the spool is not available: failed requests are not kept');
    }
    this.problem = problem;
    this.spool = null;
  }

  private count(operation: SpoolError['operation']): void {
    let counter = this.errors.get(operation);
    if (counter === undefined) {
      counter = this.options.meter.counter('outrider_spool_errors_total', { operation });
      this.errors.set(operation, counter);
    }
    counter.add(1);
  }
}

/** The reason of the first, where not one of them was committed. */
function whyNone(outcomes: readonly CommitOutcome[]): string {
  const whys = outcomes.flatMap((outcome) => ('why' in outcome ? [outcome.why] : []));
  return whys.length === outcomes.length ? (whys[0] ?? '') : '';
}
