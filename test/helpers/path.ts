/**
 * The whole path in this process: real listeners, dispatch, forward, judge and capture, with a fake of the keeper.
 * It is stopped with the test, which fails when anything is still counted after its callers have left.
 */
import './one-realm.ts';
import { readFileSync } from 'node:fs';
import type { Buffers } from '../../src/accept/buffers.ts';
import { CopyMemory } from '../../src/accept/copy.ts';
import { Seats } from '../../src/accept/node-seats.ts';
import type { Listener, ListenerEvents } from '../../src/accept/node-server.ts';
import { Overload } from '../../src/accept/overload.ts';
import { type AmbassadorParts, serve } from '../../src/ambassador.ts';
import { compileRoutes } from '../../src/dispatch/match.ts';
import { createValueSource } from '../../src/dispatch/value-source.ts';
import type { Capture, Settings } from '../../src/exchange.ts';
import { Deadlines } from '../../src/forward/deadline.ts';
import { Lanes } from '../../src/forward/lanes.ts';
import { Resolver } from '../../src/forward/node-resolve.ts';
import type { Upstream } from '../../src/forward/node-upstream.ts';
import { Capturer } from '../../src/record/capture.ts';
import { bindListeners } from '../../src/runtime/bind.ts';
import { loadConfig } from '../../src/runtime/config/load.ts';
import { KeeperClient } from '../../src/runtime/keeper-client.ts';
import { TargetGauges } from '../../src/runtime/target-gauges.ts';
import { Tunnels } from '../../src/tunnels.ts';
import type { MetricName } from '../../src/watch/catalog.ts';
import { createExchangeMeters } from '../../src/watch/exchange-meters.ts';
import { ExchangeWatch } from '../../src/watch/exchange-watch.ts';
import type { LogLine } from '../../src/watch/log-line.ts';
import { Meter } from '../../src/watch/meter.ts';
import { createPathLog } from '../../src/watch/path-log.ts';
import { cleanUp } from './cleanup.ts';
import { FakeKeeper } from './fake-keeper.ts';
import { waitFor } from './wait.ts';

export interface PathOptions {
  /** Keys of outrider.yaml; by default one listener `ambassador` on a free port of 127.0.0.1, all accesses logged. */
  readonly process?: Readonly<Record<string, unknown>>;
  /** Keys of routes.yaml: `targets`, `rules`, `default` (by default the first target). */
  readonly routes: Readonly<Record<string, unknown>>;
  readonly resolver?: Resolver;
  /** Lives until the end of the file. */
  readonly shared?: boolean;
}

export interface RunningPath {
  readonly url: string;
  /** Of the first listener. */
  readonly port: number;
  /** By listener. */
  readonly ports: Readonly<Record<string, number>>;
  readonly captures: readonly Capture[];
  readonly keeper: FakeKeeper;
  readonly client: KeeperClient;
  readonly lines: readonly LogLine[];
  readonly memory: CopyMemory;
  readonly buffers: Buffers;
  readonly listeners: readonly Listener[];
  readonly tunnels: Tunnels;
  readonly pseudonym: string;
  /** Counters and gauges with at least these labels, added up. */
  metric(name: MetricName, labels?: Readonly<Record<string, string>>): number;
  /** Brings the gauges of the targets up to date and looks at unfinished heads, as happens once a second. */
  beat(): void;
  /** @throws when the target is not there. */
  upstreams(target: string): readonly Upstream[];
  /** Takes over other routes, as a reload does. */
  reload(routes: Readonly<Record<string, unknown>>): void;
  /** What is counted while something runs; all zero when nothing does. */
  load(): Readonly<Record<string, number>>;
  /** Waits until nothing is counted any more. */
  rest(): Promise<void>;
  stop(): Promise<void>;
}

const QUIET = { metrics: { address: '127.0.0.1:0' }, admin: { address: '127.0.0.1:0' } };

function settingsOf({ process = {}, routes }: Pick<PathOptions, 'process' | 'routes'>): Settings {
  const { targets = {} } = routes;
  const [first = 'reject'] = Object.keys(Object(targets));
  const text = JSON.stringify({
    apiVersion: 'outrider.dev/v1',
    ...QUIET,
    listeners: [{ name: 'ambassador', address: '127.0.0.1:0' }],
    log: { access: 'all' },
    default: first,
    ...process,
    ...routes,
  });
  const files = { readFile: () => text, listDir: () => null };
  return loadConfig({ path: '/test/outrider.yaml', env: {}, ...files }).settings;
}

export async function startPath(options: PathOptions): Promise<RunningPath> {
  const path = new Path(options);
  await path.start();
  cleanUp(() => path.stop(), { shared: options.shared ?? false });
  return path;
}

class Path implements RunningPath {
  url = '';
  port = 0;
  readonly ports: Record<string, number> = {};
  readonly keeper: FakeKeeper;
  readonly client = new KeeperClient();
  readonly lines: LogLine[] = [];
  readonly memory: CopyMemory;
  readonly tunnels: Tunnels;
  readonly pseudonym = 'outrider-test1234';
  listeners: Listener[] = [];
  private readonly options: PathOptions;
  private readonly settings: Settings;
  private readonly meter = new Meter(() => undefined);
  private readonly lanes: Lanes;
  private readonly overload: Overload;
  private readonly seats: Seats;
  private parts: AmbassadorParts;
  private readonly values = createValueSource({ env: {} });
  private readonly retired: Upstream[] = [];
  private stopped = false;

  constructor(options: PathOptions) {
    this.options = options;
    this.settings = settingsOf(options);
    const { capture, limits, forwarded, metrics, log } = this.settings.process;
    const readFile = (file: string): string => readFileSync(file, 'utf8');
    this.keeper = new FakeKeeper(this.client);
    this.client.attach(this.keeper);
    this.client.backlogBytes = capture.memory;
    this.memory = new CopyMemory(capture.memory);
    this.overload = new Overload(limits.inFlight);
    this.overload.buffers.limit = limits.bufferBytes;
    const { buffers } = this.overload;
    this.seats = new Seats({ files: Number.POSITIVE_INFINITY, inFlight: () => this.overload.inFlight, buffers });
    const resolver = options.resolver ?? new Resolver();
    this.lanes = new Lanes({ resolver, readFile, headerBytes: limits.headerBytes * 2, deadlines: new Deadlines() });
    this.lanes.update(this.settings.routes.targets);
    this.parts = {
      routes: compileRoutes(this.settings, this.values),
      lanes: this.lanes,
      overload: this.overload,
      policy: { pseudonymOf: () => this.pseudonym, forwarded },
      copies: { memory: this.memory, files: this.client, limit: capture.body },
      capturer: new Capturer({
        store: this.client,
        waitMs: capture.wait,
        readWaitMs: capture.readWait,
        responseBytes: capture.response,
      }),
      holdBytes: capture.response,
      watch: new ExchangeWatch({
        meter: this.meter,
        meters: createExchangeMeters(this.meter, metrics),
        log: createPathLog((line) => this.lines.push(line) > 0),
      }),
    };
    this.parts.watch.access = log.access;
    this.tunnels = new Tunnels();
    this.tunnels.idleMs = limits.tunnelIdle;
  }

  get buffers(): Buffers {
    return this.overload.buffers;
  }

  get captures(): readonly Capture[] {
    return this.keeper.captures;
  }

  async start(): Promise<void> {
    const events: ListenerEvents = {
      request: (caller) => serve(caller, this.parts),
      upgrade: (upgrade) => this.tunnels.open(upgrade, this.parts),
      refused: (refusal, listener, remote, excerpt) => this.parts.watch.refused(refusal, listener, remote, excerpt),
      tolerated: (kind) => this.parts.watch.tolerated(kind),
    };
    this.listeners = await bindListeners(this.settings, events, this.seats);
    for (const { name, addresses } of this.listeners) this.ports[name] = Number(addresses[0]?.split(':').at(-1));
    this.port = Object.values(this.ports)[0] ?? 0;
    this.url = `http://127.0.0.1:${this.port}`;
  }

  metric(name: MetricName, labels: Readonly<Record<string, string>> = {}): number {
    const slots = new Float64Array(this.meter.memory);
    let sum = 0;
    for (const definition of this.meter.definitions) {
      const matches = Object.entries(labels).every(([label, value]) => definition.labels[label] === value);
      if (definition.name === name && matches) sum += slots[definition.slot] ?? 0;
    }
    return sum;
  }

  beat(): void {
    new TargetGauges(this.meter, this.lanes).update();
    const why = { status: 0, kind: 'buffers', detail: 'a large head' };
    this.seats.sweep(() => this.parts.watch.refused(why, '', '', ''));
  }

  upstreams(target: string): readonly Upstream[] {
    const lane = this.lanes.get(target);
    if (lane === null) throw new Error(`there is no target ${target}`);
    return lane.upstreams;
  }

  reload(routes: Readonly<Record<string, unknown>>): void {
    const settings = settingsOf({ ...this.options, routes });
    this.retired.push(...this.lanes.all().flatMap((lane) => lane.upstreams));
    this.lanes.update(settings.routes.targets);
    this.parts = { ...this.parts, routes: compileRoutes(settings, this.values) };
  }

  load(): Readonly<Record<string, number>> {
    const upstreams = [...this.retired, ...this.lanes.all().flatMap((lane) => lane.upstreams)];
    return {
      overload: this.overload.inFlight,
      listeners: this.listeners.reduce((sum, listener) => sum + listener.inFlight, 0),
      inFlightMetric: this.metric('outrider_requests_in_flight'),
      upstreams: upstreams.reduce((sum, { inFlight }) => sum + inFlight, 0),
      waiting: upstreams.reduce((sum, { waiting }) => sum + waiting, 0),
      copyBytes: this.memory.used,
      bufferBytes: this.overload.buffers.used,
    };
  }

  async rest(): Promise<void> {
    const busy = (): string[] =>
      Object.entries(this.load())
        .filter(([, n]) => n !== 0)
        .map(String);
    await waitFor(
      () => {
        const counted = busy();
        if (counted.length > 0) throw new Error(counted.join(' '));
        return true;
      },
      { what: 'the path to come to rest' },
    );
  }

  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    try {
      await this.rest();
    } finally {
      for (const listener of this.listeners) listener.destroy();
      this.tunnels.destroy();
      await this.lanes.destroy();
    }
  }
}
