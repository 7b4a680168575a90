/**
 * The metrics of an exchange. One object for each (listener, rule, target), looked up when the configuration is
 * compiled or first used and kept by the caller; children by method and code are looked up once each.
 */
import type { Reason } from '../exchange.ts';
import { CAPTURE_OUTCOMES, type CaptureOutcome, METHODS, OTHER, REASONS } from './labels.ts';
import type { Counter, Histogram, Meter } from './meter.ts';

export interface FinishedExchange {
  readonly method: string;
  /** What the caller got; 0 when it left before an answer. */
  readonly code: number;
  readonly durationSeconds: number;
  /** null when no target was tried. */
  readonly targetSeconds: number | null;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

export interface ExchangeMeter {
  finished(exchange: FinishedExchange): void;
  failed(reason: Reason): void;
  captured(result: CaptureOutcome, reason: Reason): void;
}

export interface ExchangeMeters {
  /** The same object for the same names. `target` is '' where there is none (`reject`). */
  of(listener: string, rule: string, target: string): ExchangeMeter;
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);

/**
 * `maxRules`: so many distinct rule names, and so many target names, get labels of their own (the first ones seen;
 * `default` is not counted), the rest is `other`: a configuration of 10,000 rules must not be 10,000 series times
 * methods times codes.
 */
export function createExchangeMeters(meter: Meter, { maxRules }: { readonly maxRules: number }): ExchangeMeters {
  const known = new Map<string, ExchangeMeter>();
  const ruleLabel = createLimitedLabels(maxRules, 'default');
  const targetLabel = createLimitedLabels(maxRules, 'none');
  return {
    of(listener, rule, target) {
      const key = JSON.stringify([listener, rule, target]);
      const found = known.get(key);
      if (found !== undefined) return found;
      const made = new SharedExchangeMeter(meter, listener, ruleLabel(rule), targetLabel(target));
      known.set(key, made);
      return made;
    },
  };
}

function createLimitedLabels(max: number, always: string): (name: string) => string {
  const admitted = new Set<string>();
  return (name) => {
    if (name === '' || name === always) return always;
    if (admitted.has(name)) return name;
    if (admitted.size >= max) return OTHER;
    admitted.add(name);
    return name;
  };
}

class SharedExchangeMeter implements ExchangeMeter {
  readonly #meter: Meter;
  readonly #labels: { readonly listener: string; readonly rule: string; readonly target: string };
  readonly #duration: Histogram;
  readonly #targetDuration: Histogram;
  readonly #requestBytes: Counter;
  readonly #responseBytes: Counter;
  readonly #failures: ReadonlyMap<Reason, Counter>;
  readonly #captures = new Map<Reason, ReadonlyMap<CaptureOutcome, Counter>>();
  readonly #requests = new Map<string, (Counter | undefined)[]>();
  // Most exchanges of a rule are alike: the last one's counter spares the look-up.
  #lastMethod = '';
  #lastCode = -1;
  #lastCounter: Counter | undefined;

  constructor(meter: Meter, listener: string, rule: string, target: string) {
    this.#meter = meter;
    this.#labels = { listener, rule, target };
    this.#duration = meter.histogram('outrider_request_duration_seconds', { rule, target });
    this.#targetDuration = meter.histogram('outrider_target_duration_seconds', { target });
    this.#requestBytes = meter.counter('outrider_request_bytes_total', {});
    this.#responseBytes = meter.counter('outrider_response_bytes_total', {});
    // At 0 from the start: increase() sees nothing in a series that is born with its first failure.
    this.#failures = new Map(
      REASONS.map((reason) => [reason, meter.counter('outrider_failures_total', { rule, target, reason })]),
    );
    for (const reason of REASONS) meter.counter('outrider_captures_total', { rule, reason, result: 'failed' });
  }

  finished(exchange: FinishedExchange): void {
    const { method, code } = exchange;
    if (method !== this.#lastMethod || code !== this.#lastCode) {
      this.#lastCounter = this.#requestCounter(method, code);
      this.#lastMethod = method;
      this.#lastCode = code;
    }
    this.#lastCounter?.add(1);
    this.#duration.observe(exchange.durationSeconds);
    if (exchange.targetSeconds !== null) this.#targetDuration.observe(exchange.targetSeconds);
    if (exchange.requestBytes > 0) this.#requestBytes.add(exchange.requestBytes);
    if (exchange.responseBytes > 0) this.#responseBytes.add(exchange.responseBytes);
  }

  failed(reason: Reason): void {
    this.#failures.get(reason)?.add(1);
  }

  captured(result: CaptureOutcome, reason: Reason): void {
    let outcomes = this.#captures.get(reason);
    if (outcomes === undefined) {
      const { rule } = this.#labels;
      outcomes = new Map(
        CAPTURE_OUTCOMES.map((outcome) => [
          outcome,
          this.#meter.counter('outrider_captures_total', { rule, reason, result: outcome }),
        ]),
      );
      this.#captures.set(reason, outcomes);
    }
    outcomes.get(result)?.add(1);
  }

  #requestCounter(method: string, code: number): Counter {
    const methodLabel = KNOWN_METHODS.has(method) ? method : OTHER;
    const known = Number.isInteger(code) && code >= 100 && code <= 599;
    const index = known ? code - 99 : 0;
    const codes = this.#requests.get(methodLabel) ?? [];
    if (codes.length === 0) this.#requests.set(methodLabel, codes);
    const found = codes[index];
    if (found !== undefined) return found;
    const labels = { ...this.#labels, method: methodLabel, code: known ? String(code) : OTHER };
    const made = this.#meter.counter('outrider_requests_total', labels);
    codes[index] = made;
    return made;
  }
}
