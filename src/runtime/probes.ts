/** The port for Prometheus and the kubelet, on the path's own thread. */
import type { ProcessSettings } from '../exchange.ts';
import { createHealth, type ProcessState } from '../watch/health.ts';
import { ListenError, type Listening } from '../watch/node-listen.ts';
import { startMetricsServer } from '../watch/node-metrics-server.ts';
import type { PathLog } from '../watch/path-log.ts';
import { messageOf } from './error-message.ts';
import type { KeeperQuestions } from './keeper-questions.ts';

export interface ProbesOptions {
  readonly questions: KeeperQuestions;
  readonly process: () => ProcessState;
  readonly log: PathLog;
}

/** Below the ten seconds that Prometheus waits for a scrape. */
const SCRAPE_MS = 5000;
/** A person waits for it, or a probe whose timeout is a second. */
const VERBOSE_MS = 800;

export class Probes {
  /** '' where it doesn't listen. */
  address = '';
  private readonly options: ProbesOptions;
  private server: Listening | null = null;

  constructor(options: ProbesOptions) {
    this.options = options;
  }

  /** A busy port degrades: it is told in the log, and stops nothing. */
  async listen({ address }: ProcessSettings['metrics']): Promise<void> {
    const { questions, process, log } = this.options;
    try {
      this.server = await startMetricsServer({
        address,
        health: createHealth(process),
        exposition: () => questions.ask('metrics', SCRAPE_MS),
        degraded: () => this.degraded(),
      });
      this.address = this.server.addresses[0] ?? '';
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      log.log('error', {}, error.message);
    }
  }

  async close(): Promise<void> {
    await this.server?.close();
  }

  private async degraded(): Promise<readonly string[]> {
    try {
      const text = await this.options.questions.ask('degraded', VERBOSE_MS);
      return text === '' ? [] : text.split('\n');
    } catch (error) {
      return [`keeper: ${messageOf(error)}`];
    }
  }
}
