/** The path thread's own half of the process: everything between the listeners and the targets, and its reload. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { boundGarbage, collectAtRest, ROOMY_BYTES } from '../accept/chunk-garbage.ts';
import { type CopyFiles, CopyMemory } from '../accept/copy.ts';
import type { Refusal } from '../accept/guard.ts';
import { filesLimit, Seats } from '../accept/node-seats.ts';
import type { Listener, ListenerEvents } from '../accept/node-server.ts';
import { Overload } from '../accept/overload.ts';
import { type AmbassadorParts, serve } from '../ambassador.ts';
import { compileRoutes, type Routes } from '../dispatch/match.ts';
import { createValueSource, type ValueSource } from '../dispatch/value-source.ts';
import type { Settings } from '../exchange.ts';
import { Deadlines } from '../forward/deadline.ts';
import { Lanes } from '../forward/lanes.ts';
import { Resolver } from '../forward/node-resolve.ts';
import { Capturer, type CaptureStore } from '../record/capture.ts';
import { CaptureRate } from '../record/capture-rate.ts';
import { Tunnels } from '../tunnels.ts';
import { createExchangeMeters } from '../watch/exchange-meters.ts';
import { ExchangeWatch } from '../watch/exchange-watch.ts';
import type { Meter } from '../watch/meter.ts';
import type { PathLog } from '../watch/path-log.ts';
import { bindListeners, updateListeners } from './bind.ts';
import { TemplateFiles } from './config/template-files.ts';
import type { KeeperClient } from './keeper-client.ts';
import { drain } from './lifecycle.ts';
import { TargetGauges } from './target-gauges.ts';

export interface PathOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly client: KeeperClient;
  readonly meter: Meter;
  readonly log: PathLog;
}

/** Heads of captures that may wait where hardly any memory is for bodies. */
const HEADS_BYTES = 1024 * 1024;

/** Memory is short, and this is a part of it. */
const LARGE_HEAD: Refusal = {
  status: 0,
  kind: 'buffers',
  detail: 'A large head was slow to come, and memory is short.',
};

/** Seconds between two looks at the files of the targets' certificates and keys. */
const TLS_REFRESH_BEATS = 5;

/** Where originals must not reach the disk: a body over 64 KiB can't be redacted piece by piece, so it is not kept. */
const NO_FILES: CopyFiles = {
  open: () => null,
  write: () => 'gone',
  drop: () => undefined,
  drained: (done) => done(),
};

/**
 * From this part of `limits.bufferBytes` on callers are read in turns. In a small container early: each body is there
 * some times over on its way to the disk.
 */
const SMALL_PART = 32;
const ROOMY_PART = 2;

export class Path {
  listeners: Listener[] = [];
  private readonly options: PathOptions;
  /** Outlives reloads: a secret in the middle of a rotation keeps its last value. */
  private readonly values: ValueSource;
  private files: TemplateFiles;
  private readonly resolver = new Resolver();
  private readonly lanes: Lanes;
  private readonly overload = new Overload();
  private readonly memory = new CopyMemory();
  private readonly seats: Seats;
  private readonly watch: ExchangeWatch;
  private readonly tunnels: Tunnels;
  private readonly gauges: TargetGauges;
  private readonly pseudonyms = new Map<string, string>();
  private captures: { readonly perSecond: number; readonly store: CaptureStore };
  private parts: AmbassadorParts;
  private beats = 0;

  /** Throws what `apply` throws. */
  constructor(settings: Settings, options: PathOptions) {
    this.options = options;
    const { env, meter, log } = options;
    this.files = new TemplateFiles(settings.process);
    this.values = createValueSource({ env, resolve: (path) => this.files.resolve(path) });
    const { overload } = this;
    this.seats = new Seats({ files: filesLimit(), inFlight: () => overload.inFlight, buffers: overload.buffers });
    const readFile = (path: string): string => readFileSync(path, 'utf8');
    // An answer's head may be twice as large as a request's: cookies.
    this.lanes = new Lanes({
      deadlines: new Deadlines(),
      resolver: this.resolver,
      readFile,
      headerBytes: settings.process.limits.headerBytes * 2,
    });
    const meters = createExchangeMeters(meter, settings.process.metrics);
    this.watch = new ExchangeWatch({ meter, meters, log });
    this.gauges = new TargetGauges(meter, this.lanes);
    this.tunnels = new Tunnels();
    this.captures = { perSecond: 0, store: options.client };
    this.parts = this.take(settings);
  }

  /** Binds the listeners. Throws StartError. */
  async bind(settings: Settings): Promise<void> {
    const events: ListenerEvents = {
      request: (caller) => serve(caller, this.parts),
      upgrade: (upgrade) => this.tunnels.open(upgrade, this.parts),
      refused: (refusal, listener, remote, excerpt) => this.watch.refused(refusal, listener, remote, excerpt),
      tolerated: (kind) => this.watch.tolerated(kind),
    };
    this.listeners = await bindListeners(settings, events, this.seats);
  }

  /**
   * Takes over a configuration, whole: requests that have begun end with the old one. Throws, with the old one still
   * running, when a key or certificate can't be read.
   */
  apply(settings: Settings): void {
    this.parts = this.take(settings);
    updateListeners(this.listeners, settings);
  }

  /** Once a second: what changes without a request. */
  beat(): void {
    collectAtRest();
    this.gauges.update();
    this.seats.sweep((socket) => this.watch.refused(LARGE_HEAD, '', socket.remoteAddress ?? '', ''));
    this.options.meter.gauge('outrider_buffer_bytes', {}).set(this.overload.buffers.used);
    this.beats += 1;
    if (this.beats % TLS_REFRESH_BEATS === 0) this.lanes.refreshTls();
  }

  /** Resolves when nothing is in flight any more, or at the end of `maxMs`, and all is closed. */
  async close(mode: 'drain' | 'native', maxMs: number, announce: () => void): Promise<void> {
    const { listeners, overload } = this;
    this.tunnels.drain();
    const cut = (): void => this.tunnels.destroy();
    await drain({ listeners, overload, log: this.options.log, announce, cut }, mode, maxMs);
    await this.lanes.destroy();
  }

  /** After a start that failed. */
  async destroy(): Promise<void> {
    for (const listener of this.listeners) listener.destroy();
    await this.lanes.destroy();
  }

  /** By the listener's name; the same for as long as the process runs. */
  private readonly pseudonymOf = (listener: string): string => {
    let pseudonym = this.pseudonyms.get(listener);
    if (pseudonym === undefined) {
      pseudonym = `outrider-${randomBytes(4).toString('hex')}`;
      this.pseudonyms.set(listener, pseudonym);
    }
    return pseudonym;
  };

  private take(settings: Settings): AmbassadorParts {
    const routes: Routes = compileRoutes(settings, this.values);
    this.files = new TemplateFiles(settings.process);
    this.resolver.passHosts(settings.process.intercept.hosts);
    this.lanes.update(settings.routes.targets);
    const { capture, limits, forwarded, log, spool } = settings.process;
    const { client } = this.options;
    this.overload.closed = spool.required ? () => !client.spoolUsable : null;
    // A reload that leaves the rate alone leaves its window alone.
    if (this.captures.perSecond !== capture.rate) {
      const store = capture.rate === 0 ? client : new CaptureRate(client, capture.rate);
      this.captures = { perSecond: capture.rate, store };
    }
    this.overload.limit = limits.inFlight;
    this.overload.buffers.limit = limits.bufferBytes;
    client.buffers = this.overload.buffers;
    boundGarbage(limits.bufferBytes);
    this.overload.buffers.bound = limits.bufferBytes / (limits.bufferBytes < ROOMY_BYTES ? SMALL_PART : ROOMY_PART);
    // A small container has no room for what a large one is told to keep.
    const copyBytes = Math.min(capture.memory, limits.bufferBytes / 4);
    this.memory.limit = copyBytes;
    // What waits is there twice: as it was posted, and as the keeper reads it.
    client.backlogBytes = copyBytes / 2;
    // All copies at once, and their heads: a burst is no slow disk.
    client.captureBytes = copyBytes * 1.5 + HEADS_BYTES;
    this.watch.access = log.access;
    this.options.log.setLevel(log.level);
    this.tunnels.idleMs = limits.tunnelIdle;
    const { wait: waitMs, readWait: readWaitMs, response: responseBytes, body: limit } = capture;
    return {
      routes,
      lanes: this.lanes,
      overload: this.overload,
      policy: { pseudonymOf: this.pseudonymOf, forwarded },
      copies: { memory: this.memory, files: capture.redact.keepOriginal ? client : NO_FILES, limit },
      capturer: new Capturer({ store: this.captures.store, waitMs, readWaitMs, responseBytes }),
      holdBytes: responseBytes,
      watch: this.watch,
    };
  }
}
