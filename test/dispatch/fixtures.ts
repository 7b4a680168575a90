/** Settings as validation hands them over, with everything that a test does not name at its default. */
import { existsSync } from 'node:fs';
import type { TemplateContext } from '../../src/dispatch/template.ts';
import type { ValueSource } from '../../src/dispatch/value-source.ts';
import type {
  HeaderPatch,
  ListenerSettings,
  RequestHead,
  RuleSettings,
  Settings,
  TargetSettings,
} from '../../src/exchange.ts';

export function patchOf(parts: Partial<HeaderPatch> = {}): HeaderPatch {
  return { set: {}, add: {}, remove: [], ...parts };
}

export const noValues: ValueSource = { env: () => undefined, file: () => undefined };

export function headOf(parts: Partial<RequestHead> = {}): RequestHead {
  return {
    listener: 'ambassador',
    method: 'GET',
    uri: '/',
    rawHeaders: [],
    authority: 'localhost:5000',
    scheme: 'http',
    httpVersion: '1.1',
    remoteAddress: '127.0.0.1',
    ...parts,
  };
}

export function contextOf(parts: Partial<TemplateContext> = {}): TemplateContext {
  return {
    head: headOf(),
    id: () => '01997a4e-0000-7000-8000-000000000000',
    rule: 'users',
    target: 'prod',
    timestamp: 1697812345.6784,
    values: noValues,
    ...parts,
  };
}

export interface RuleParts {
  readonly name?: string;
  readonly match?: Partial<RuleSettings['match']>;
  readonly headers?: Partial<HeaderPatch>;
  readonly responseHeaders?: Partial<HeaderPatch>;
  readonly replacePrefix?: string;
  readonly target?: string;
  readonly timeouts?: Partial<RuleSettings['timeouts']>;
  readonly capture?: Partial<RuleSettings['capture']>;
}

export function ruleOf(parts: RuleParts = {}): RuleSettings {
  return {
    name: parts.name ?? 'rule',
    match: { listeners: [], methods: [], hosts: [], paths: [], headers: {}, query: {}, ...parts.match },
    request: { headers: patchOf(parts.headers), path: { replacePrefix: parts.replacePrefix ?? null } },
    response: { headers: patchOf(parts.responseHeaders) },
    target: parts.target ?? 'prod',
    timeouts: { connect: null, response: null, idle: null, total: null, ...parts.timeouts },
    capture: { when: ['connect', '502', '503', '504'], methods: [], answer: 'relay', ...parts.capture },
  };
}

export function targetOf(name: string, headers: Partial<HeaderPatch> = {}): TargetSettings {
  return {
    name,
    urls: [{ url: `http://${name}.test`, weight: 1 }],
    balance: 'roundRobin',
    hostHeader: 'target',
    request: { headers: patchOf(headers) },
    timeouts: { connect: 2000, response: 30_000, idle: 30_000, total: 0 },
    retry: { attempts: 1, when: ['connect'], methods: [] },
    circuitBreaker: { failures: 5, openFor: 10_000 },
    connections: { max: 256, waiting: 1024, maxAge: 300_000 },
    tls: { ca: '', cert: '', key: '', serverName: '', minVersion: 'TLSv1.2', verify: true, legacyRenegotiation: false },
  };
}

function listenerOf(name: string, target: string): ListenerSettings {
  return {
    name,
    address: 'localhost:0',
    auth: { kind: 'none' },
    tls: { cert: '', key: '', clientCa: '' },
    tolerate: [],
    keepAlive: 3_600_000,
    target,
  };
}

const PROCESS: Omit<Settings['process'], 'listeners'> = {
  metrics: { address: '*:0', maxRules: 200 },
  admin: { address: 'localhost:0', tokens: { read: '', operate: '' } },
  shutdown: { mode: 'drain', max: 25_000 },
  spool: {
    enabled: true,
    path: './var/spool',
    size: 268_435_456,
    whenFull: 'refuse',
    keep: 604_800_000,
    maxAge: 0,
    keyFile: '',
    required: false,
    acceptLoss: false,
  },
  kafka: {
    brokers: [],
    topic: 'failed-requests',
    key: 'id',
    clientId: 'outrider',
    compression: 'gzip',
    maxRecordBytes: 921_600,
    tls: { enabled: false, ca: '', cert: '', key: '' },
    sasl: { mechanism: '', username: '', passwordFile: '' },
  },
  capture: {
    wait: 1000,
    readWait: 10_000,
    memory: 8_388_608,
    body: 67_108_864,
    response: 65_536,
    rate: 0,
    redact: { headers: [], fields: [], patterns: [], keepOriginal: true },
  },
  limits: {
    bufferBytes: 16_777_216,
    inFlight: 10_000,
    connections: 10_000,
    requestLine: 16_384,
    headerBytes: 32_768,
    headerCount: 100,
    body: 0,
    headTimeout: 10_000,
    bodyIdle: 30_000,
    writeIdle: 30_000,
    tunnelIdle: 3_600_000,
  },
  intercept: { hosts: [] },
  templates: { files: [], env: [] },
  forwarded: 'append',
  log: { level: 'info', access: 'failures' },
};

export interface SettingsParts {
  readonly rules?: readonly RuleSettings[];
  readonly default?: string;
  readonly targets?: readonly TargetSettings[];
  /** Name of a listener to its target, '' for none. */
  readonly listeners?: Readonly<Record<string, string>>;
}

export function settingsOf(parts: SettingsParts = {}): Settings {
  const fallback = parts.default ?? 'prod';
  return {
    process: {
      ...PROCESS,
      listeners: Object.entries(parts.listeners ?? { ambassador: '' }).map(([name, target]) =>
        listenerOf(name, target),
      ),
    },
    routes: {
      targets: parts.targets ?? [targetOf('prod'), targetOf('qa'), targetOf('dev')],
      rules: parts.rules ?? [],
      default: fallback,
      defaultRule: ruleOf({ name: 'default', target: fallback }),
      tests: [],
    },
    hash: '0123456789abcdef',
    source: 'test',
  };
}

/** mulberry32: the same numbers for the same seed, on every machine. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A file of the corpora beside the project, null (with one line) where they are not there. */
export function sharedFile(path: string): URL | null {
  const file = new URL(`../../../shared/${path}`, import.meta.url);
  if (existsSync(file)) return file;
  process.stderr.write(`\n${path} is not there: its cases are left out\n`);
  return null;
}
