/**
 * The types that flow along the path: accept → dispatch → forward → judge → record.
 *
 * Plain data only: everything named `Capture…`, `Attempt…` and the settings crosses the border between the path
 * thread and the keeper (structured clone), so no class instance and no function may appear in them.
 */
export type {
  CaptureRule,
  HeaderPatch,
  ListenerSettings,
  ProcessSettings,
  RequestPatch,
  ResponsePatch,
  RouteSettings,
  RuleSettings,
  Settings,
  TargetSettings,
  TargetUrl,
  Timeouts,
} from './settings.ts';

/** Name, value, name, value …: in the order, case and (latin1) bytes of the wire, duplicates kept. */
export type RawHeaders = readonly string[];

/** The head of a request as it came from the application, before any patch. */
export interface RequestHead {
  /** The listener's name. */
  readonly listener: string;
  readonly method: string;
  /**
   * Path and query exactly as they will be forwarded when no rule changes them (latin1, undecoded), or `*`.
   * An absolute-form target has already been reduced to its path and query (RFC 9112 section 3.2.2).
   */
  readonly uri: string;
  readonly rawHeaders: RawHeaders;
  /** Authority the request is for: that of an absolute-form target, else the `Host` field; may carry a port. */
  readonly authority: string;
  readonly scheme: 'http' | 'https';
  readonly httpVersion: '1.0' | '1.1';
  readonly remoteAddress: string;
}

/** Why an exchange failed: a closed list, also a metric label (DESIGN section 4). */
export type Reason =
  | 'connect'
  | 'dns'
  | 'tls'
  | 'timeout'
  | 'reset'
  | 'protocol'
  | 'truncated'
  | 'overload'
  | 'status'
  | 'clientAbort';

/** Whether the target can have seen the request: decides what may be sent again. */
export type RequestSent = 'no' | 'partly' | 'yes';

/** One try at one URL of a target. */
export interface Attempt {
  /** Wall clock at its start, epoch seconds with fraction. */
  readonly at: number;
  readonly url: string;
  /** null: the target answered completely. */
  readonly reason: Reason | null;
  /** Status code of the target's answer, null when there was none. */
  readonly status: number | null;
  readonly requestSent: RequestSent;
  readonly ms: number;
}

/** The copy of a body: in memory, in a sealed file of the spool, or given up. */
export type BodyCopy =
  | { readonly kind: 'memory'; readonly bytes: Uint8Array; readonly truncated: boolean; readonly totalBytes: number }
  /** `file`: the number that the path thread chose when it opened the copy. */
  | { readonly kind: 'file'; readonly file: number; readonly truncated: boolean; readonly totalBytes: number };

/** The target's answer as far as it is kept with a failure. */
export interface CapturedResponse {
  readonly status: number;
  readonly rawHeaders: RawHeaders;
  readonly body: Uint8Array;
  readonly truncated: boolean;
}

/** A failed exchange on its way to the spool: originals, nothing redacted yet. */
export interface Capture {
  /** UUID version 7 (RFC 9562). */
  readonly id: string;
  /** Arrival, epoch seconds with fraction. */
  readonly timestamp: number;
  readonly head: RequestHead;
  readonly body: BodyCopy;
  readonly rule: string;
  readonly target: string;
  /** Origin (and path prefix) of the last URL tried; the target's first when none was. */
  readonly backendUrl: string;
  readonly reason: Reason;
  /** One sentence for a person: what happened, with the system's error code. */
  readonly errorReason: string;
  readonly requestSent: RequestSent;
  readonly attempts: readonly Attempt[];
  readonly response: CapturedResponse | null;
  readonly traceId: string;
  /** Places from which secrets were taken before the first write (`keepOriginal: false`). */
  readonly redacted?: readonly string[];
}

/** What became of a capture. `failed` names why, in words for a log line. */
export type CaptureResult =
  | { readonly kind: 'committed'; readonly partial: boolean }
  | { readonly kind: 'failed'; readonly why: string };

/** Exactly one for each exchange. */
export type Verdict =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'failed'; readonly reason: Reason; readonly status: number | null; readonly message: string }
  | { readonly kind: 'abandoned' };
