/** Does what the plan says, while the traffic goes on, and sees that what was broken heals by itself. */
import type { KafkaForTest } from '../helpers/kafka.ts';
import { HAS_STRACE, injectIntoKeeper } from '../helpers/strace.ts';
import type { Volume } from '../helpers/volume.ts';
import { waitFor } from '../helpers/wait.ts';
import type { Ambassador } from './ambassador.ts';
import type { Model } from './model.ts';
import type { Operation } from './plan.ts';
import type { Traffic } from './traffic.ts';

export interface World {
  readonly ambassador: Ambassador;
  readonly kafka: KafkaForTest;
  readonly traffic: Traffic;
  readonly model: Model;
  /** null: it can't be filled here. */
  readonly volume: Volume | null;
}

/** Enough that commits are under way when the kill comes. */
const BURST = 200;
const HEAL_MS = 30_000;
const REFUSALS_OF_FULL_DISK = 20;
const SLOW_COMMITS = 5;
const SLOW_FSYNC_MICROSECONDS = 200_000;

export class Operations {
  /** By kind, what was done; `skipped …` what this machine does not allow. */
  readonly done = new Map<string, number>();
  /** Ledgers whose sum was wrong, or that knew fewer captures than there were promises. */
  readonly ledgerFaults: string[] = [];
  readonly #world: World;
  #diskIsFull = false;
  #healed: (() => void) | null = null;

  constructor(world: World) {
    this.#world = world;
  }

  async perform(operation: Operation): Promise<void> {
    const calm = this.#world.model.busy();
    try {
      await this.#perform(operation);
    } finally {
      calm();
    }
  }

  /** Everything is as it should be from now on. */
  async calm(): Promise<void> {
    await this.#perform({ kind: 'diskFree' });
    await this.#perform({ kind: 'brokerUp' });
  }

  async #perform(operation: Operation): Promise<void> {
    switch (operation.kind) {
      case 'kill':
        return this.#kill(operation);
      case 'end':
        return this.#end(operation);
      case 'brokerDown':
        return this.#brokerDown(operation.how);
      case 'brokerUp':
        return this.#brokerUp();
      case 'diskFull':
        return this.#diskFull();
      case 'diskFree':
        return this.#diskFree();
      case 'fsyncError':
        return this.#fsyncError();
      case 'slowDisk':
        return this.#slowDisk();
      case 'configEdit':
        return this.#configEdit(operation.turn);
    }
  }

  /** Of the routes and of the spool in turn, under load. */
  async #configEdit(turn: number): Promise<void> {
    const { ambassador, traffic } = this.#world;
    traffic.burst(BURST);
    if (turn % 2 === 0) ambassador.editRoutes(turn);
    else ambassador.editSpool(turn);
    await this.#keepsAgain('an edit');
    this.#count(turn % 2 === 0 ? 'edit of the routes' : 'edit of the spool');
  }

  async #kill({ after, next }: { readonly after: number; readonly next: 'drain' | 'native' }): Promise<void> {
    const { ambassador, traffic, model } = this.#world;
    const { length: known } = model.promised;
    traffic.burst(BURST);
    if (!this.#diskIsFull) {
      const enough = (): boolean => model.promised.length >= known + after;
      await waitFor(enough, { what: `${after} promises of a burst`, timeoutMs: HEAL_MS, everyMs: 1 });
    }
    const alive = model.dead();
    traffic.interrupt();
    await ambassador.kill9();
    await this.#respawn(next, alive);
    this.#count('kill -9');
  }

  async #end({ next }: { readonly next: 'drain' | 'native' }): Promise<void> {
    const { ambassador, traffic, model } = this.#world;
    traffic.burst(BURST);
    const alive = model.dead();
    traffic.interrupt();
    this.#count(`SIGTERM, ended by ${await ambassador.end()}`);
    await this.#respawn(next, alive);
  }

  async #respawn(mode: 'drain' | 'native', alive: () => void): Promise<void> {
    const { ambassador, traffic, model } = this.#world;
    const { length: promised } = model.promised;
    await ambassador.start(mode);
    alive();
    // A spool on a full disk can't always be opened; its ledger is looked at later.
    if (!this.#diskIsFull) await this.checkLedger(promised, 'after a restart');
    traffic.resume();
  }

  async checkLedger(promised: number, when: string): Promise<void> {
    const { captured, difference } = await this.#world.ambassador.ledger();
    if (difference !== 0) this.ledgerFaults.push(`${when}: a difference of ${difference}`);
    if (captured < promised) this.ledgerFaults.push(`${when}: ${captured} captured, but ${promised} promised`);
  }

  async #brokerDown(how: 'stop' | 'kill' | 'freeze'): Promise<void> {
    const { kafka, traffic, model } = this.#world;
    traffic.burst(BURST);
    this.#healed = model.busy();
    if (how === 'freeze') kafka.pause();
    else if (how === 'stop') await kafka.stop();
    else await kafka.kill();
    this.#count(`broker ${how}`);
  }

  async #brokerUp(): Promise<void> {
    const { kafka } = this.#world;
    const frozen = kafka.nodes.every(({ running }) => running);
    if (frozen) kafka.resume();
    else await kafka.restart();
    this.#healed?.();
    this.#healed = null;
  }

  async #diskFull(): Promise<void> {
    const { volume, traffic, model } = this.#world;
    if (volume === null) return this.#count('disk full, SKIPPED: nothing can be mounted here');
    model.epoch += 1;
    this.#diskIsFull = true;
    volume.fill();
    traffic.burst(BURST);
    const refused = (): number => (model.outcomes.get('failed') ?? 0) + (model.outcomes.get('partial') ?? 0);
    const before = refused();
    const enough = (): boolean => refused() >= before + REFUSALS_OF_FULL_DISK;
    await waitFor(enough, { what: 'failures that a full disk does not keep', timeoutMs: HEAL_MS });
    this.#count('disk full');
  }

  async #diskFree(): Promise<void> {
    if (!this.#diskIsFull) return;
    this.#world.volume?.free();
    this.#diskIsFull = false;
    await this.#keepsAgain('the disk has room again');
    this.#world.model.epoch += 1;
  }

  async #fsyncError(): Promise<void> {
    const { ambassador, traffic, model } = this.#world;
    if (!HAS_STRACE) return this.#count('fsync error, SKIPPED: strace can not attach here');
    model.epoch += 1;
    const errors = async (): Promise<number> => (await ambassador.metrics()).value('spool_errors_total');
    const before = await errors();
    // Two in a row: that of a commit, and that with which it is set aside. One may meet a file that is not the spool's.
    const faults = await injectIntoKeeper(ambassador.pid, 'fsync,fdatasync:error=EIO:when=1..2');
    traffic.burst(BURST);
    await waitFor(async () => (await errors()) > before, { what: 'an fsync that fails', timeoutMs: HEAL_MS });
    await faults.end();
    await this.#keepsAgain('an fsync failed');
    model.epoch += 1;
    this.#count('fsync error');
  }

  async #slowDisk(): Promise<void> {
    const { ambassador, traffic } = this.#world;
    if (!HAS_STRACE) return this.#count('slow disk, SKIPPED: strace can not attach here');
    const commits = async (): Promise<number> =>
      (await ambassador.metrics()).value('outrider_spool_commit_duration_seconds_count');
    const before = await commits();
    const faults = await injectIntoKeeper(ambassador.pid, `fsync,fdatasync:delay_enter=${SLOW_FSYNC_MICROSECONDS}`);
    traffic.burst(BURST);
    const enough = async (): Promise<boolean> => (await commits()) >= before + SLOW_COMMITS;
    await waitFor(enough, { what: 'some slow commits', timeoutMs: HEAL_MS });
    await faults.end();
    this.#count('slow disk');
  }

  /** Without anybody's help. */
  async #keepsAgain(after: string): Promise<void> {
    const { traffic, model } = this.#world;
    const { length: known } = model.promised;
    traffic.burst(BURST);
    if (this.#diskIsFull) return;
    const enough = (): boolean => model.promised.length > known + BURST / 2;
    await waitFor(enough, { what: `failures to be kept again after ${after}`, timeoutMs: HEAL_MS });
  }

  #count(what: string): void {
    this.done.set(what, (this.done.get(what) ?? 0) + 1);
  }
}
