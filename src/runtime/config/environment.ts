/**
 * Environment variables of the systems that Outrider takes the place of; each counts only where the files say nothing.
 */
import type { ConfigMistake } from '../errors.ts';
import { isMapping, type RawMapping } from './raw-value.ts';
import { didYouMean, listOf, shown } from './suggest.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What Kubernetes puts into a container for each Service: `tcp://10.0.0.1:80`. */
const serviceLink = /^(tcp|udp|sctp):\/\//;
const backendName = 'backend';

/** The old dispatcher's levels (those of Python's logging) and ours. */
const logLevels: Readonly<Record<string, string>> = {
  CRITICAL: 'fatal',
  ERROR: 'error',
  WARNING: 'warn',
  WARN: 'warn',
  INFO: 'info',
  DEBUG: 'debug',
};

export interface EnvironmentResult {
  readonly document: RawMapping;
  readonly mistakes: readonly ConfigMistake[];
  readonly warnings: readonly string[];
  /** `NAME=value` of every variable that was used, for the hash. */
  readonly used: readonly string[];
  /** Paths of keys that come from a variable, with its name. */
  readonly keys: ReadonlyMap<string, string>;
}

/** Fills in what the document leaves out. */
export function applyEnvironment(document: RawMapping, env: Environment): EnvironmentResult {
  const reader = new EnvironmentReader(document, env);
  reader.listeners();
  reader.kafka();
  reader.backend();
  reader.logging();
  return reader;
}

class EnvironmentReader implements EnvironmentResult {
  document: RawMapping;
  readonly mistakes: ConfigMistake[] = [];
  readonly warnings: string[] = [];
  readonly used: string[] = [];
  readonly keys = new Map<string, string>();
  readonly #env: Environment;

  constructor(document: RawMapping, env: Environment) {
    this.document = document;
    this.#env = env;
  }

  listeners(): void {
    // In a pod of its own the container listens for others; beside the application only for it.
    const sidecar = this.#port('SIDECAR_PORT');
    const port = sidecar ?? this.#port('PORT');
    if (port === null || this.document.listeners !== undefined) return;
    const [variable, host] = sidecar === null ? ['PORT', '*'] : ['SIDECAR_PORT', 'localhost'];
    this.#set('listeners', [{ name: 'ambassador', address: `${host}:${port}` }], variable);
    if (host === '*') this.warnings.push(`PORT: listening on every address, port ${port}; \`listeners\` can narrow it`);
  }

  kafka(): void {
    const variable = this.#value('KAFKA_BROKERS') === null ? 'KAFKA_BROKER' : 'KAFKA_BROKERS';
    const brokers = this.#value(variable)
      ?.split(',')
      .map((broker) => broker.trim())
      .filter((broker) => broker !== '');
    const topic = this.#value('KAFKA_TOPIC');
    const kafka = this.document.kafka ?? {};
    if (!isMapping(kafka)) return;
    const added: Record<string, unknown> = { ...kafka };
    if (brokers !== undefined && brokers.length > 0 && kafka.brokers === undefined) {
      added.brokers = brokers;
      this.#use('kafka.brokers', variable);
    }
    if (topic !== null && kafka.topic === undefined) {
      added.topic = topic;
      this.#use('kafka.topic', 'KAFKA_TOPIC');
    }
    if (Object.keys(added).length > Object.keys(kafka).length) this.document = { ...this.document, kafka: added };
  }

  backend(): void {
    const variable = this.#value('BACKEND_URL') === null ? 'DOWNSTREAM_ENDPOINT' : 'BACKEND_URL';
    const url = this.#value(variable);
    const { targets, rules, default: fallback } = this.document;
    if (url === null || targets !== undefined || rules !== undefined || fallback !== undefined) return;
    this.#set('targets', { [backendName]: url }, variable);
    this.document = { ...this.document, default: backendName };
  }

  logging(): void {
    const level = this.#value('SIDECAR_LOGGING_LEVEL');
    const log = this.document.log ?? {};
    if (level === null || !isMapping(log) || log.level !== undefined) return;
    const ours = logLevels[level.toUpperCase()];
    if (ours === undefined) {
      const names = Object.keys(logLevels);
      this.#mistake(
        'SIDECAR_LOGGING_LEVEL',
        `found ${shown(level)}; allowed: ${listOf(names)}${didYouMean(level, names)}`,
      );
    } else {
      this.document = { ...this.document, log: { ...log, level: ours } };
      this.#use('log.level', 'SIDECAR_LOGGING_LEVEL');
    }
  }

  #port(variable: string): number | null {
    const text = this.#value(variable);
    if (text === null) return null;
    if (serviceLink.test(text)) {
      this.warnings.push(`${variable}=${text} is a link that Kubernetes made for a Service: ignored`);
      return null;
    }
    if (/^\d{1,5}$/.test(text) && Number(text) <= 65535) return Number(text);
    this.#mistake(variable, `found ${shown(text)}; expected a port from 0 to 65535`);
    return null;
  }

  #value(variable: string): string | null {
    const text = this.#env[variable]?.trim() ?? '';
    return text === '' ? null : text;
  }

  #set(key: string, value: unknown, variable: string): void {
    this.document = { ...this.document, [key]: value };
    this.#use(key, variable);
  }

  #use(key: string, variable: string): void {
    this.keys.set(key, variable);
    this.used.push(`${variable}=${this.#value(variable)}`);
  }

  #mistake(variable: string, message: string): void {
    this.mistakes.push({ file: 'environment', line: 0, column: 0, path: variable, message });
  }
}
