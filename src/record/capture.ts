/**
 * How a failed exchange becomes durable before its caller is answered, as seen from the path thread: the rest of the
 * request is read, everything goes to the keeper, and the answer waits for the commit, but not for ever.
 */
import type { RequestBody } from '../accept/body.ts';
import type {
  Attempt,
  Capture,
  CapturedResponse,
  CaptureResult,
  RequestHead,
  RequestSent,
  Verdict,
} from '../exchange.ts';
import type { HeldAnswer } from '../forward/held-answer.ts';

/** The keeper, as far as a capture needs it. Never throws; `done` is called once, sooner or later. */
export interface CaptureStore {
  commit(capture: Capture, done: (result: CaptureResult) => void): void;
}

/**
 * What the answer may say. `committed`: on disk, whole. `partial`: on disk, without all of its body. `pending`: the
 * disk has not answered in time, the record may still come. `failed`: not kept.
 */
export interface Kept {
  readonly outcome: 'committed' | 'partial' | 'pending' | 'failed';
  readonly id: string;
  readonly why: string;
}

/** What a flight or a tunnel knows of the exchange that failed. */
export interface CaptureSource {
  readonly head: RequestHead;
  readonly body: RequestBody;
  readonly backendUrl: string;
  readonly requestSent: RequestSent;
  readonly attempts: readonly Attempt[];
  readonly held: HeldAnswer | null;
}

export interface FailedExchange {
  readonly id: string;
  readonly timestamp: number;
  readonly rule: string;
  readonly target: string;
  readonly verdict: Verdict & { readonly kind: 'failed' };
}

export interface CapturerOptions {
  readonly store: CaptureStore;
  /** Milliseconds an answer waits for the disk (`capture.wait`). */
  readonly waitMs: number;
  /** Milliseconds for the rest of the request (`capture.readWait`). */
  readonly readWaitMs: number;
  /** Bytes of the target's answer that are kept (`capture.response`). */
  readonly responseBytes: number;
}

export class Capturer {
  private readonly options: CapturerOptions;

  constructor(options: CapturerOptions) {
    this.options = options;
  }

  /** Calls `done` once, when the answer may go out. */
  keep(source: CaptureSource, exchange: FailedExchange, done: (kept: Kept) => void): void {
    source.body.readRest(this.options.readWaitMs, () => this.commit(source, exchange, done));
  }

  private commit(source: CaptureSource, exchange: FailedExchange, done: (kept: Kept) => void): void {
    const { id } = exchange;
    let settled = false;
    const settle = (outcome: Kept['outcome'], why: string): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      done({ outcome, id, why });
    };
    const { waitMs } = this.options;
    const timer = setTimeout(() => settle('pending', `the disk did not answer within ${waitMs} ms`), waitMs);
    this.options.store.commit(this.captureOf(source, exchange), (result) => {
      if (result.kind === 'committed') settle(result.partial ? 'partial' : 'committed', '');
      else settle('failed', result.why);
    });
  }

  private captureOf(source: CaptureSource, { id, timestamp, rule, target, verdict }: FailedExchange): Capture {
    const { body } = source;
    const copy = body.kept();
    // A body of which the caller sent only a part is not whole, however well that part was kept.
    if (body.state !== 'complete') copy.truncated = true;
    return {
      id,
      timestamp,
      head: source.head,
      body: copy.take(),
      rule,
      target,
      backendUrl: source.backendUrl,
      reason: verdict.reason,
      errorReason: verdict.message,
      requestSent: source.requestSent,
      attempts: source.attempts,
      response: this.responseOf(source),
      traceId: traceId(source.head.rawHeaders),
    };
  }

  private responseOf({ held }: CaptureSource): CapturedResponse | null {
    if (held === null) return null;
    const { status, rawHeaders, bytes, complete } = held;
    const body = held.excerpt(this.options.responseBytes);
    return { status, rawHeaders, body, truncated: !complete || bytes > body.length };
  }
}

/** The trace-id of a W3C `traceparent`, '' without a valid one (Trace Context section 3.2). */
function traceId(rawHeaders: readonly string[]): string {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if ((rawHeaders[i] ?? '').toLowerCase() !== 'traceparent') continue;
    return /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(rawHeaders[i + 1] ?? '')?.[1] ?? '';
  }
  return '';
}
