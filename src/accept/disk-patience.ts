/**
 * How long a live upload may be held up by a disk that is slower than its caller: for a moment, and as long again as
 * it ran freely, so that it takes at most about twice its time. Then its copy is given up and it runs on.
 */
const START_MS = 250;
/** At a time: a disk that hangs is noticed soon. */
const PIECE_MS = 50;

export class DiskPatience {
  private readonly now: () => number;
  private leftMs = START_MS;
  /** When the latest wait ended. */
  private turnedAt: number;

  constructor(now: () => number = () => performance.now()) {
    this.now = now;
    this.turnedAt = now();
  }

  /** A wait begins: for how many milliseconds at most; 0: none is left. */
  waitMs(): number {
    this.leftMs += this.turn();
    return Math.max(0, Math.min(PIECE_MS, this.leftMs));
  }

  /** The wait that began last is over. */
  ended(): void {
    this.leftMs -= this.turn();
  }

  private turn(): number {
    const before = this.turnedAt;
    this.turnedAt = this.now();
    return this.turnedAt - before;
  }
}

/** The body that waits. */
export interface WaitingBody {
  /** Nothing is read for now. */
  pause(): void;
  /** The disk has caught up, or is waited for no longer. */
  demand(): void;
}

/** Where the bytes go. */
interface Draining {
  drained(done: () => void): void;
}

/** The waiting of one body, again and again. */
export class DiskWait {
  isOn = false;
  private readonly body: WaitingBody;
  private patience: DiskPatience | null = null;
  private timer: NodeJS.Timeout | null = null;

  constructor(body: WaitingBody) {
    this.body = body;
  }

  /** `isLive`: its target waits, too; else it has all its time, and the disk alone ends this. */
  begin(copy: Draining, isLive: boolean): void {
    if (this.isOn) return;
    this.patience ??= new DiskPatience();
    const ms = this.patience.waitMs();
    if (isLive && ms === 0) return;
    this.isOn = true;
    this.body.pause();
    if (isLive) this.timer = setTimeout(onOver, ms, this);
    copy.drained(() => this.over());
  }

  /** @internal */
  over(): void {
    if (!this.isOn) return;
    this.stop();
    this.patience?.ended();
    this.body.demand();
  }

  /** Whoever waits is not told. */
  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.isOn = false;
  }
}

const onOver = (wait: DiskWait): void => wait.over();
