/** What the path tells of each exchange: numbers in shared memory, and a log line where the configuration wants one. */
import type { Refusal } from '../accept/guard.ts';
import type { RequestHead, Verdict } from '../exchange.ts';
import type { Kept } from '../record/capture.ts';
import type { ExchangeMeter, ExchangeMeters } from './exchange-meters.ts';
import { accessLine, refusedLine, wantsAccessLine } from './log-line.ts';
import type { Counter, Gauge, Meter } from './meter.ts';
import type { PathLog } from './path-log.ts';

/** The caller's side, as far as it is told of. */
export interface WatchedCaller {
  readonly head: RequestHead;
  /** performance.now() */
  readonly startedAt: number;
  /** 0: no answer was begun. */
  readonly status: number;
  readonly bytesWritten: number;
  readonly body: { readonly received: number };
}

/** The target's side. */
export interface WatchedFlight {
  readonly targetMs: number | null;
  readonly retries: number;
  readonly attempts: readonly unknown[];
}

/** An exchange, as far as it is told of. */
export interface WatchedExchange {
  readonly caller: WatchedCaller;
  readonly rule: string;
  readonly target: string;
  readonly verdict: Verdict | null;
  readonly kept: Kept | null;
}

export interface ExchangeWatchOptions {
  readonly meter: Meter;
  readonly meters: ExchangeMeters;
  readonly log: PathLog;
}

/** `more`: as many like it came since. */
interface Told {
  readonly why: string;
  readonly outcome: Kept['outcome'];
  readonly at: number;
  more: number;
}

const SAME_ERROR_MS = 10_000;

export class ExchangeWatch {
  private told: Told = { why: '', outcome: 'committed', at: 0, more: 0 };
  /** `log.access` of the running configuration. */
  access: 'failures' | 'all' | 'none' = 'failures';
  private readonly options: ExchangeWatchOptions;
  private readonly inFlight: Gauge;
  private readonly known = new Map<string, Map<string, Map<string, ExchangeMeter>>>();
  private readonly retries = new Map<string, Counter>();

  constructor(options: ExchangeWatchOptions) {
    this.options = options;
    this.inFlight = options.meter.gauge('outrider_requests_in_flight', {});
  }

  started(): void {
    this.inFlight.add(1);
  }

  /** The caller's side is over: exactly once for each exchange that was started. */
  finished(exchange: WatchedExchange, flight: WatchedFlight): void {
    this.inFlight.add(-1);
    const { caller, rule, target, verdict } = exchange;
    const meter = this.meterOf(caller.head.listener, rule, target);
    const durationSeconds = (performance.now() - caller.startedAt) / 1000;
    const targetSeconds = flight.targetMs === null ? null : flight.targetMs / 1000;
    const { status: code, bytesWritten: responseBytes } = caller;
    const { received: requestBytes } = caller.body;
    const { method } = caller.head;
    meter.finished({ method, code, durationSeconds, targetSeconds, requestBytes, responseBytes });
    if (verdict?.kind === 'failed') meter.failed(verdict.reason);
    if (flight.retries > 0) this.countRetries(target, flight.retries, verdict);
    if (verdict !== null && wantsAccessLine(this.access, verdict)) {
      this.line(exchange, flight, verdict, durationSeconds);
    }
  }

  /** A failure was kept, or could not be: told with its reason once in a while, for a full disk fails them all. */
  kept({ caller, rule, target, verdict }: WatchedExchange, kept: Kept): void {
    if (verdict?.kind !== 'failed') return;
    this.meterOf(caller.head.listener, rule, target).captured(kept.outcome, verdict.reason);
    if (kept.outcome === 'committed') return;
    const now = performance.now();
    const { told } = this;
    if (kept.why === told.why && kept.outcome === told.outcome && now - told.at < SAME_ERROR_MS) {
      told.more += 1;
      return;
    }
    const { more } = told;
    this.told = { why: kept.why, outcome: kept.outcome, at: now, more: 0 };
    const fields = {
      rule,
      target,
      record: kept.id,
      outcome: kept.outcome,
      why: kept.why,
      ...(more > 0 ? { more } : {}),
    };
    this.options.log.log('error', fields, 'a failed exchange was not kept whole');
  }

  /** An answer went out without the patch of its rule. */
  unpatched({ rule }: WatchedExchange, why: string): void {
    this.options.log.log('warn', { rule, why }, 'an answer was relayed without the patch of its rule');
  }

  /** Something in a request was repaired before it was read. */
  tolerated(kind: string): void {
    this.options.meter.counter('outrider_tolerated_total', { kind }).add(1);
  }

  /** A request that went no further. `excerpt`: its first bytes, latin1. */
  refused(refusal: Refusal, listener: string, remoteAddress: string, excerpt: string): void {
    const { meter, log } = this.options;
    meter.counter('outrider_rejected_total', { reason: refusal.kind }).add(1);
    const { status, kind: reason, detail } = refusal;
    log.write(refusedLine({ listener, remoteAddress, status, reason, detail, excerpt: excerpt.slice(0, 200) }));
  }

  private line(
    { caller, rule, target, kept }: WatchedExchange,
    { attempts, targetMs }: WatchedFlight,
    verdict: Verdict,
    durationSeconds: number,
  ): void {
    const { listener, method, uri, remoteAddress } = caller.head;
    const line = accessLine({
      listener,
      rule,
      target,
      method,
      uri,
      remoteAddress,
      verdict,
      code: caller.status,
      durationSeconds,
      targetSeconds: targetMs === null ? null : targetMs / 1000,
      requestBytes: caller.body.received,
      responseBytes: caller.bytesWritten,
      attempts: Math.max(1, attempts.length),
      record: kept !== null && kept.outcome !== 'failed' ? kept.id : '',
      traceId: '',
    });
    this.options.log.write(line);
  }

  private countRetries(target: string, retries: number, verdict: Verdict | null): void {
    const result = verdict?.kind === 'delivered' ? 'delivered' : 'failed';
    const key = `${result} ${target}`;
    let counter = this.retries.get(key);
    if (counter === undefined) {
      counter = this.options.meter.counter('outrider_retries_total', { target, result });
      this.retries.set(key, counter);
    }
    counter.add(retries);
  }

  /** Three look-ups by short strings; `ExchangeMeters.of` builds a key. */
  private meterOf(listener: string, rule: string, target: string): ExchangeMeter {
    const ofListener = child(this.known, listener);
    const ofRule = child(ofListener, rule);
    let meter = ofRule.get(target);
    if (meter === undefined) {
      meter = this.options.meters.of(listener, rule, target);
      ofRule.set(target, meter);
    }
    return meter;
  }
}

function child<V>(map: Map<string, Map<string, V>>, key: string): Map<string, V> {
  let found = map.get(key);
  if (found === undefined) {
    found = new Map();
    map.set(key, found);
  }
  return found;
}
