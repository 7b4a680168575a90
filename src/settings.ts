/**
 * The validated configuration: every default filled in, durations in milliseconds, sizes in bytes. Plain data, so
 * that it can cross from the keeper to the path thread.
 */

export interface Settings {
  readonly process: ProcessSettings;
  readonly routes: RouteSettings;
  /** Hex SHA-256 of the texts it was read from, first 16 digits. */
  readonly hash: string;
  /** What it was read from, for people: a folder, a file, "environment", "last good". */
  readonly source: string;
}

/** Who may use a listener. `file`: one token, or `user:password`, a line. */
export type ListenerAuth =
  | { readonly kind: 'none' }
  | { readonly kind: 'bearer' | 'basic'; readonly file: string }
  | { readonly kind: 'cidrs'; readonly cidrs: readonly string[] };

export interface ListenerSettings {
  readonly name: string;
  /** `host:port`; host `localhost` binds 127.0.0.1 and, where there is one, ::1; `*` every address, both families. */
  readonly address: string;
  readonly auth: ListenerAuth;
  readonly tls: { readonly cert: string; readonly key: string; readonly clientCa: string };
  readonly tolerate: readonly ('missing-host' | 'raw-target' | 'bare-lf' | 'obs-fold')[];
  readonly keepAlive: number;
  readonly target: string;
}

export interface ProcessSettings {
  readonly listeners: readonly ListenerSettings[];
  readonly metrics: { readonly address: string; readonly maxRules: number };
  readonly admin: { readonly address: string; readonly tokens: { readonly read: string; readonly operate: string } };
  readonly shutdown: { readonly mode: 'drain' | 'native'; readonly max: number };
  readonly spool: {
    readonly enabled: boolean;
    readonly path: string;
    readonly size: number;
    readonly whenFull: 'refuse' | 'dropOldest';
    readonly keep: number;
    readonly maxAge: number;
    readonly keyFile: string;
    readonly required: boolean;
    readonly acceptLoss: boolean;
  };
  readonly kafka: {
    readonly brokers: readonly string[];
    readonly topic: string;
    /** `id`, `target` or `header:NAME`. */
    readonly key: string;
    readonly clientId: string;
    readonly compression: 'none' | 'gzip';
    readonly maxRecordBytes: number;
    readonly tls: { readonly enabled: boolean; readonly ca: string; readonly cert: string; readonly key: string };
    readonly sasl: {
      readonly mechanism: '' | 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly passwordFile: string;
    };
  };
  readonly capture: {
    readonly wait: number;
    readonly readWait: number;
    readonly memory: number;
    readonly body: number;
    readonly response: number;
    /** Captures a second; 0: no limit. */
    readonly rate: number;
    readonly redact: {
      readonly headers: readonly string[];
      readonly fields: readonly string[];
      readonly patterns: readonly ('bearer' | 'jwt' | 'private-key' | 'aws-key' | 'card-number')[];
      readonly keepOriginal: boolean;
    };
  };
  readonly limits: {
    /** Bytes; `auto` has been resolved. */
    readonly bufferBytes: number;
    readonly inFlight: number;
    readonly connections: number;
    readonly requestLine: number;
    readonly headerBytes: number;
    readonly headerCount: number;
    readonly body: number;
    readonly headTimeout: number;
    readonly bodyIdle: number;
    readonly writeIdle: number;
    readonly tunnelIdle: number;
  };
  readonly intercept: { readonly hosts: readonly string[] };
  readonly templates: { readonly files: readonly string[]; readonly env: readonly string[] };
  readonly forwarded: 'append' | 'replace' | 'none';
  readonly log: { readonly level: string; readonly access: 'failures' | 'all' | 'none' };
}

export interface HeaderPatch {
  /** Values are templates (see dispatch/template.ts). Names in the case that was configured. */
  readonly set: Readonly<Record<string, string>>;
  readonly add: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

export interface RequestPatch {
  readonly headers: HeaderPatch;
  /** `replacePrefix`: takes the place of the part of the path that the rule's matching `paths` entry named. */
  readonly path: { readonly replacePrefix: string | null };
}

export interface ResponsePatch {
  readonly headers: HeaderPatch;
}

/** Milliseconds; 0: no limit. */
export interface Timeouts {
  readonly connect: number;
  readonly response: number;
  readonly idle: number;
  readonly total: number;
}

export interface TargetUrl {
  readonly url: string;
  readonly weight: number;
}

export interface TargetSettings {
  readonly name: string;
  readonly urls: readonly TargetUrl[];
  readonly balance: 'roundRobin' | 'leastRequest';
  /** `target`, `preserve` or a literal host. */
  readonly hostHeader: string;
  readonly request: { readonly headers: HeaderPatch };
  readonly timeouts: Timeouts;
  readonly retry: { readonly attempts: number; readonly when: readonly string[]; readonly methods: readonly string[] };
  readonly circuitBreaker: { readonly failures: number; readonly openFor: number };
  readonly connections: { readonly max: number; readonly waiting: number; readonly maxAge: number };
  readonly tls: {
    readonly ca: string;
    readonly cert: string;
    readonly key: string;
    readonly serverName: string;
    readonly minVersion: string;
    readonly verify: boolean;
    readonly legacyRenegotiation: boolean;
  };
}

export type ValueMatch = string | readonly string[] | { readonly absent: true } | { readonly present: true };

export interface CaptureRule {
  /** Reasons, three-digit statuses, `4xx`, `5xx`, `all` or `none`. */
  readonly when: readonly string[];
  readonly methods: readonly string[];
  readonly answer:
    | 'relay'
    | { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string };
}

export interface RuleSettings {
  readonly name: string;
  readonly match: {
    readonly listeners: readonly string[];
    readonly methods: readonly string[];
    readonly hosts: readonly string[];
    readonly paths: readonly string[];
    readonly headers: Readonly<Record<string, ValueMatch>>;
    readonly query: Readonly<Record<string, ValueMatch>>;
  };
  readonly request: RequestPatch;
  readonly response: ResponsePatch;
  readonly target: string;
  /** null where the target's own holds. */
  readonly timeouts: {
    readonly connect: number | null;
    readonly response: number | null;
    readonly idle: number | null;
    readonly total: number | null;
  };
  readonly capture: CaptureRule;
}

export interface RouteSettings {
  readonly targets: readonly TargetSettings[];
  readonly rules: readonly RuleSettings[];
  /** A target's name or `reject`. */
  readonly default: string;
  /** The rule that the default stands for: name `default`, no conditions, everything else at its default. */
  readonly defaultRule: RuleSettings;
  readonly tests: readonly RouteTest[];
}

export interface RouteTest {
  readonly request: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly expect: {
    readonly target?: string;
    readonly rule?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly path?: string;
  };
}
