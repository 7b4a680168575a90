/** What is measured: Outrider and the proxies that it is held against. All do the same work. */
import type { Cores } from './machine.ts';
import type { ContenderName } from './options.ts';

/** The work: a request with `environment: qa` goes to the target with one more field. Another one is refused. */
export const ROUTE = { header: 'environment', value: 'qa', added: { name: 'x-added', value: 'by-the-proxy' } } as const;

export interface Contender {
  readonly name: ContenderName;
  /** For the report: `Envoy 1.40.0`. */
  readonly title: string;
  /** Resolves when it serves. */
  start(plan: StartPlan): Promise<RunningContender>;
}

export interface StartPlan {
  readonly targetUrl: string;
  readonly cores: string;
}

export interface RunningContender {
  readonly pid: number;
  readonly url: string;
  /** What it printed, when it has ended by itself; '' as long as it runs. */
  lastWords(): string;
  stop(): Promise<void>;
}

/** Works with a started contender and stops it. @throws Error that names the contender, and its end if it came to one. */
export async function withRunning<R extends RunningContender, T>(
  title: string,
  starting: Promise<R>,
  work: (running: R) => Promise<T>,
): Promise<T> {
  const running = await starting;
  try {
    return await work(running);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error([`${title}: ${reason}`, running.lastWords()].join('\n').trimEnd(), { cause: error });
  } finally {
    await running.stop();
  }
}

/** What the parts that need a tool or a folder are given. */
export interface Bench {
  /** Emptied at the end. */
  readonly folder: string;
  /** Kept for the next run: what was built or installed. */
  readonly cache: string;
  readonly root: string;
  /** Where the build under test is kept apart from dist/, which others may build anew meanwhile. */
  readonly frozen: string;
  readonly cores: Cores;
}

/** A contender, or why it is not there. */
export type Prepared = Contender | { readonly name: ContenderName; readonly missing: string };
