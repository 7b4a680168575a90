/** `outrider injector`: the webhook, its certificate, and what is told about both. */
import type { KeeperLog } from '../watch/log.ts';
import { ListenError, type Listening } from '../watch/node-listen.ts';
import { startMetricsServer } from '../watch/node-metrics-server.ts';
import { messageOf } from './error-message.ts';
import { StartError } from './errors.ts';
import { createInjectorMetrics, type InjectorMetrics } from './injector-metrics.ts';
import type { AdmissionRequest, Verdict } from './kubernetes/admission.ts';
import type { KeyPair } from './kubernetes/certificate.ts';
import { type AdmissionServer, startAdmissionServer } from './kubernetes/node-admission-server.ts';
import { admitPod, type InjectorBase } from './kubernetes/pod-admission.ts';
import { admitRoutes } from './kubernetes/routes-admission.ts';
import type { CertificateSource } from './kubernetes/webhook-certificates.ts';

export interface InjectorOptions {
  /** `*:10250`. */
  readonly address: string;
  readonly metricsAddress: string;
  readonly base: InjectorBase;
  readonly certificates: CertificateSource;
  readonly log: KeeperLog;
  /** How often certificates are looked at. */
  readonly lookMs: number;
  /** How long it goes on serving after it was told to end: until nobody sends to it any more. */
  readonly drainMs: number;
}

/** After a look that failed. */
const RETRY_MS = 1000;

export class Injector {
  /** The port of the webhook; 0 until it listens. */
  port = 0;
  private readonly options: InjectorOptions;
  private readonly metrics: InjectorMetrics = createInjectorMetrics();
  private server: AdmissionServer | null = null;
  private probes: Listening | null = null;
  private served: KeyPair | null = null;
  private problem = 'no certificate yet';
  private draining = false;
  private wake: () => void = () => undefined;

  constructor(options: InjectorOptions) {
    this.options = options;
  }

  get probesPort(): number {
    return this.probes?.port ?? 0;
  }

  /** Resolves when it has ended. @throws StartError where an address is taken */
  async run(): Promise<void> {
    const { metricsAddress, log } = this.options;
    const health = { startupz: () => this.alive(), livez: () => this.alive(), readyz: () => this.ready() };
    const exposition = (): Promise<string> => this.metrics.exposition();
    const probes = startMetricsServer({ address: metricsAddress, health, exposition, degraded: async () => [] });
    this.probes = await probes.catch((error: unknown) => {
      throw error instanceof ListenError ? new StartError(error.message) : error;
    });
    while (!this.draining) {
      await this.look();
      await this.sleep(this.problem === '' ? this.options.lookMs : RETRY_MS);
    }
    log.log('info', {}, 'going on until nobody sends any more');
    await new Promise((resolve) => setTimeout(resolve, this.options.drainMs));
    await this.server?.close();
    await this.probes.close();
  }

  /** Not ready from now on; `run` resolves a little later. */
  stop(): void {
    this.draining = true;
    this.wake();
  }

  private async look(): Promise<void> {
    const { certificates, log, address } = this.options;
    try {
      const { leaf } = await certificates.look(this.served);
      if (leaf !== null) await this.serve(leaf, address);
      this.problem = '';
    } catch (error) {
      const problem = messageOf(error);
      // What is served goes on being served: only a first certificate is waited for.
      if (problem !== this.problem) log.log('error', {}, problem);
      this.problem = problem;
      // A port that is taken: nothing gets better by waiting.
      if (error instanceof StartError) throw error;
    }
  }

  private async serve(leaf: KeyPair, address: string): Promise<void> {
    const { log } = this.options;
    if (this.server === null) {
      this.server = await startAdmissionServer(leaf, {
        address,
        admit: {
          '/pods': (request) => this.admitPod(request),
          '/configmaps': (request) => this.admitRoutes(request),
        },
        onError: (path, error) => log.log('error', { path, error }, 'a review failed'),
      });
      this.port = this.server.port;
      log.log('info', { address, port: this.port, metrics: this.options.metricsAddress }, 'listening');
    } else {
      this.server.use(leaf);
      log.log('info', {}, 'a new certificate is served');
    }
    this.served = leaf;
    this.metrics.certificate(leaf);
  }

  private admitPod({ object, namespace }: AdmissionRequest): Verdict {
    const verdict = admitPod(object, this.options.base);
    this.metrics.pod(verdict);
    this.tell('pod', namespace, object, verdict);
    return verdict;
  }

  private admitRoutes({ object, namespace }: AdmissionRequest): Verdict {
    const verdict = admitRoutes(object);
    this.metrics.routes(verdict);
    this.tell('configMap', namespace, object, verdict);
    return verdict;
  }

  private tell(kind: string, namespace: string, object: unknown, { allowed, result, reason, message }: Verdict): void {
    const fields = { [kind]: nameOf(object), namespace, result, reason, ...(message !== undefined && { message }) };
    this.options.log.log(allowed ? 'info' : 'warn', fields, `${kind} ${result}`);
  }

  private alive(): { ok: boolean; lines: string[] } {
    return { ok: true, lines: ['[+]event-loop ok'] };
  }

  private ready(): { ok: boolean; lines: string[] } {
    const certificate = this.served === null ? `[-]certificate: ${this.problem}` : '[+]certificate ok';
    const shutdown = this.draining ? '[-]shutdown: draining' : '[+]shutdown ok';
    const notes = this.served !== null && this.problem !== '' ? [`[-]degraded: ${this.problem}`] : [];
    return { ok: this.served !== null && !this.draining, lines: [certificate, shutdown, ...notes] };
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.draining) this.wake();
    });
  }
}

/** A pod of a controller has no name yet. */
function nameOf(object: unknown): string {
  if (typeof object !== 'object' || object === null || !('metadata' in object)) return '';
  const { metadata } = object;
  if (typeof metadata !== 'object' || metadata === null) return '';
  if ('name' in metadata) return String(metadata.name);
  return 'generateName' in metadata ? `${String(metadata.generateName)}…` : '';
}
