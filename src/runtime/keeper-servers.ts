/** What the keeper tells others: metrics and what is degraded, and the admin API. A busy port degrades, it stops nothing. */
import type { Settings } from '../exchange.ts';
import type { OutriderRecord } from '../record/record.ts';
import type { Spool } from '../record/spool.ts';
import type { KeptRecord } from '../record/states.ts';
import type { RecordsSource } from '../watch/api/records-source.ts';
import { degradations } from '../watch/degradations.ts';
import type { KeeperLog } from '../watch/log.ts';
import type { MeterView } from '../watch/meter.ts';
import type { MetricsRegistry } from '../watch/metrics.ts';
import { ListenError, type Listening, listenHttp, type RequestListener } from '../watch/node-listen.ts';
import type { ConfigState, MirrorStats, Sources } from '../watch/sources.ts';
import { readVersion } from './cli/version.ts';
import { memoryLimit, shownBodyBytes } from './config/memory-limit.ts';
import type { Question } from './keeper-protocol.ts';
import type { KeeperSpool } from './keeper-spool.ts';

export interface KeeperServersOptions {
  readonly log: KeeperLog;
  readonly view: MeterView;
  readonly keeperView: MeterView;
  readonly settings: () => Settings;
  readonly spool: KeeperSpool;
  readonly mirror: () => MirrorStats | null;
  readonly config: () => ConfigState;
  readonly toRecord: (kept: KeptRecord, body: Uint8Array | null) => OutriderRecord;
}

export class KeeperServers {
  private readonly options: KeeperServersOptions;
  private readonly problems: string[] = [];
  private readonly open: Listening[] = [];
  private registry: Promise<MetricsRegistry> | null = null;

  constructor(options: KeeperServersOptions) {
    this.options = options;
  }

  /** Address of the API; '' when it can't be bound, which is told in the log and in `/readyz?verbose`. */
  listen(): Promise<string> {
    return this.attempt(() => this.startAdmin());
  }

  async answer(what: Question): Promise<string> {
    if (what === 'degraded') return degradations(this.sources()).join('\n');
    this.registry ??= this.loadRegistry();
    return (await this.registry).exposition();
  }

  async close(): Promise<void> {
    await Promise.all(this.open.map((listening) => listening.close()));
  }

  private async attempt(start: () => Promise<Listening>): Promise<string> {
    try {
      const listening = await start();
      this.open.push(listening);
      return listening.addresses[0] ?? '';
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      this.problems.push(error.message);
      this.options.log.log('error', {}, error.message);
      return '';
    }
  }

  /** prom-client takes 8 MiB: loaded when somebody scrapes. */
  private async loadRegistry(): Promise<MetricsRegistry> {
    const { view, keeperView } = this.options;
    const { createRegistry } = await import('../watch/metrics.ts');
    return createRegistry({ ...view, sources: this.sources(), keeper: keeperView });
  }

  /** Express takes 10 MiB: loaded when somebody asks. */
  private startAdmin(): Promise<Listening> {
    const { address } = this.options.settings().process.admin;
    let loaded: Promise<RequestListener> | null = null;
    const answer: RequestListener = async (request, response) => {
      loaded ??= this.loadAdmin();
      (await loaded)(request, response);
    };
    return listenHttp(answer, address, 'admin.address');
  }

  private async loadAdmin(): Promise<RequestListener> {
    const { settings, spool, toRecord, log } = this.options;
    const { createAdminApp } = await import('../watch/api/admin.ts');
    const { address, tokens } = settings().process.admin;
    return createAdminApp({
      address,
      tokens,
      records: () => recordsOf(spool.spool),
      spool: () => spool.spool?.stats() ?? null,
      verify: () => spool.spool?.verify() ?? null,
      settings,
      toRecord,
      maxBodyBytes: shownBodyBytes(memoryLimit()),
      report: (error) =>
        log.log('error', { error: error instanceof Error ? error.message : String(error) }, 'admin API'),
    });
  }

  private sources(): Sources {
    const { spool, mirror, config } = this.options;
    return {
      spool: () => spool.spool?.stats() ?? null,
      mirror,
      config,
      volume: () => spool.spool?.volume ?? null,
      build: () => ({ version: readVersion(), node: process.version }),
      problems: () => [...this.problems, spool.problem, spool.failing].filter((problem) => problem !== ''),
    };
  }
}

function recordsOf(spool: Spool | null): RecordsSource | null {
  if (spool === null) return null;
  return {
    list: (filter) => spool.list(filter),
    get: (id) => spool.get(id),
    body: (record) => spool.readBody(record),
  };
}
