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
  stop(): Promise<void>;
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
