/**
 * The keeper: the thread that owns the disk, Kafka, the configuration and what people see. Parts are loaded when
 * they are first needed; nothing here is on the path of a request that succeeds.
 */

import { hostname } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { parentPort, workerData } from 'node:worker_threads';
import { boundGarbage, collectAtRest } from '../accept/chunk-garbage.ts';
import type { Mirror } from '../record/mirror.ts';
import { type OutriderRecord, recordFromKept } from '../record/record.ts';
import type { Spool } from '../record/spool.ts';
import type { KeptRecord } from '../record/states.ts';
import { createKeeperLog, type KeeperLog } from '../watch/log.ts';
import { Meter, type SeriesDefinition } from '../watch/meter.ts';
import { freePack, unpackCaptures } from './capture-pack.ts';
import { messageOf } from './error-message.ts';
import { ConfigError } from './errors.ts';
import { KeeperConfig } from './keeper-config.ts';
import type { FromKeeper, KeeperStart, Question, ToKeeper } from './keeper-protocol.ts';
import type { KeeperServers } from './keeper-servers.ts';
import { KeeperSpool } from './keeper-spool.ts';
import { MirrorSlot } from './mirror-slot.ts';

export class Keeper {
  private readonly start: KeeperStart;
  private readonly post: (message: FromKeeper) => void;
  private readonly log: KeeperLog;
  private readonly definitions: SeriesDefinition[];
  private readonly meter: Meter;
  private readonly config: KeeperConfig;
  private readonly spool: KeeperSpool;
  private servers: KeeperServers | null = null;
  private readonly mirrors = new MirrorSlot<Mirror>();

  /** Throws ConfigError. */
  constructor(start: KeeperStart, post: (message: FromKeeper) => void) {
    this.start = start;
    this.post = post;
    const podName = start.env.POD_NAME ?? hostname();
    this.definitions = [...start.definitions];
    this.meter = new Meter(() => undefined);
    this.log = createKeeperLog({ level: start.settings?.process.log.level ?? 'info' });
    this.config = new KeeperConfig({
      start,
      log: this.log,
      podName,
      offer: (settings) => post({ type: 'settings', settings }),
    });
    this.log.setLevel(this.config.settings.process.log.level);
    this.spool = new KeeperSpool({
      settings: () => this.config.settings,
      podName,
      log: this.log,
      meter: this.meter,
      answer: (results) => post({ type: 'results', results }),
      written: (bytes) => post({ type: 'written', bytes }),
      bodyFailed: (file, why) => post({ type: 'bodyFailed', file, why }),
      opened: (spool) => this.spoolOpened(spool),
      committed: () => this.mirrors.mirror?.wake(),
      usable: (usable) => post({ type: 'spool', usable }),
    });
    // Also where there is no spool.
    this.log.setRedaction(this.logRedaction());
  }

  /** Settings first, so that the path can bind while the rest is opened; not where it may not do so without a spool. */
  async run(): Promise<void> {
    const { settings } = this.config;
    boundGarbage(settings.process.limits.bufferBytes);
    setInterval(collectAtRest, REST_LOOK_MS).unref();
    const isFirst = this.start.settings === null;
    const { required } = settings.process.spool;
    if (isFirst && !required) this.post({ type: 'settings', settings });
    this.spool.open();
    if (isFirst && required) {
      const { unusable } = this.spool;
      if (unusable !== '') {
        this.post({ type: 'unusable', message: `spool.required is set, and ${unusable}` });
        return;
      }
      this.post({ type: 'settings', settings });
    }
    this.config.follow();
    this.servers = await this.createServers();
    this.post({ type: 'listening', admin: await this.servers.listen() });
  }

  /** Loaded only now: the path is binding meanwhile. */
  private async createServers(): Promise<KeeperServers> {
    const { KeeperServers } = await import('./keeper-servers.ts');
    return new KeeperServers({
      log: this.log,
      view: { memory: this.start.memory, definitions: this.definitions },
      keeperView: this.meter,
      settings: () => this.config.settings,
      spool: this.spool,
      mirror: () => this.mirrors.mirror?.stats() ?? null,
      config: () => this.config.state(),
      toRecord: (kept, body) => this.toRecord(kept, body),
    });
  }

  receive(message: ToKeeper): void {
    switch (message.type) {
      case 'series':
        this.definitions.push(...message.definitions);
        return;
      case 'captures':
        this.spool.receive(unpackCaptures(message.captures), () => freePack(message.captures));
        return;
      case 'body':
        this.spool.body(message.file, message.chunk);
        return;
      case 'dropBody':
        this.spool.dropBody(message.file);
        return;
      case 'rateLoss':
        this.spool.losses.add(message.count);
        return;
      case 'log':
        this.log.write(...message.lines);
        return;
      case 'applied':
        this.applied(message.hash, message.problem);
        return;
      case 'ask':
        void this.answer(message.number, message.what);
        return;
      case 'close':
        void this.close(message.deadlineMs);
    }
  }

  private async answer(number: number, what: Question): Promise<void> {
    try {
      if (this.servers === null) throw new Error('the keeper thread is starting');
      this.post({ type: 'answer', number, text: await this.servers.answer(what), problem: '' });
    } catch (error) {
      this.post({ type: 'answer', number, text: '', problem: messageOf(error) });
    }
  }

  /** The path runs with it: now the keeper's own parts take it over, those that it changes. */
  private applied(hash: string, problem: string | null): void {
    const before = this.config.settings.process;
    this.config.applied(hash, problem);
    const after = this.config.settings.process;
    boundGarbage(after.limits.bufferBytes);
    this.log.setLevel(after.log.level);
    // Anew, for it remembers what it has shown.
    this.log.setRedaction(this.logRedaction());
    const mirrors = before.kafka.brokers.length > 0 === after.kafka.brokers.length > 0;
    if (!isDeepStrictEqual(before.spool, after.spool) || !mirrors) this.spool.reopen();
    else if (!isDeepStrictEqual(before.kafka, after.kafka) && this.spool.spool !== null) {
      void this.startMirror(this.spool.spool);
    }
  }

  /** Everything is on disk already: what is done here only saves others from waiting. */
  private async close(deadlineMs: number): Promise<void> {
    this.config.close();
    await this.mirrorRest(deadlineMs);
    // One that was about to start would keep the thread.
    await this.mirrors.end();
    this.spool.close();
    await this.servers?.close();
    parentPort?.close();
  }

  /** Keeps mirroring while anything waits and Kafka answers, at most until the deadline. */
  private async mirrorRest(deadlineMs: number): Promise<void> {
    const { mirror } = this.mirrors;
    if (mirror === null) return;
    const end = performance.now() + deadlineMs;
    while (performance.now() < end && mirror.stats().up && (this.spool.spool?.stats().mirrorWaiting ?? 0) > 0) {
      mirror.wake();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await mirror.close({ deadlineMs: Math.max(0, Math.min(CLOSE_MS, end - performance.now())) });
    const left = this.spool.spool?.stats().mirrorWaiting ?? 0;
    if (left > 0) this.log.log('warn', { records: left }, 'records still wait for Kafka; they are in the spool');
  }

  private spoolOpened(spool: Spool): void {
    this.config.save();
    void this.startMirror(spool);
  }

  private logRedaction() {
    return {
      uri: (uri: string) => this.spool.redaction().uri(uri).value,
      text: (text: string) => this.spool.redaction().text(text),
    };
  }

  /** In place of the one that ran; none where no brokers are named. */
  private async startMirror(spool: Spool): Promise<void> {
    const { kafka } = this.config.settings.process;
    const load = () => import('./keeper-mirror.ts');
    const toRecord = (kept: KeptRecord, body: Uint8Array | null): OutriderRecord => this.toRecord(kept, body);
    const start = ({ startMirror }: Awaited<ReturnType<typeof load>>): Mirror | null =>
      this.spool.spool === spool ? startMirror(spool, kafka, this.log, toRecord) : null;
    await this.mirrors.replace(load, kafka.brokers.length === 0 ? null : start);
  }

  private toRecord(kept: KeptRecord, body: Uint8Array | null) {
    const { env } = this.start;
    const pod = { name: env.POD_NAME ?? '', namespace: env.POD_NAMESPACE ?? '', node: env.NODE_NAME ?? '' };
    return recordFromKept(kept, body, this.spool.redaction(), pod);
  }
}

const CLOSE_MS = 2000;
const REST_LOOK_MS = 1000;

if (parentPort !== null) {
  const port = parentPort;
  const post = (message: FromKeeper): void => port.postMessage(message);
  try {
    const keeper = new Keeper(workerData as KeeperStart, post);
    port.on('message', (message: ToKeeper) => keeper.receive(message));
    await keeper.run();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    post({ type: 'mistakes', mistakes: error.mistakes });
  }
}
