/** What an injection leaves behind to be undone by, as an annotation. */
import { asText, isMapping, valueAt } from '../config/raw-value.ts';
import { STATUS_ANNOTATION } from './names.ts';
import { parseJson } from './parse-json.ts';

export interface InjectStatus {
  readonly version: string;
  /** Of the container, its volumes and the settings. */
  readonly hash: string;
  readonly container: string;
  readonly volumes: readonly string[];
  /** Keys that were not there before. */
  readonly annotations: readonly string[];
  /** Names of variables by container. */
  readonly env: Readonly<Record<string, readonly string[]>>;
  readonly hosts: readonly string[];
  readonly sysctl: boolean;
  readonly fsGroup: boolean;
  readonly imagePullSecrets: readonly string[];
}

/** null where there is none, or it is not ours to read. */
export function readStatus(template: unknown): InjectStatus | null {
  const text = asText(valueAt(template, ['metadata', 'annotations', STATUS_ANNOTATION]));
  if (text === null) return null;
  const value = parseJson(text);
  if (!isMapping(value) || typeof value.hash !== 'string') return null;
  const env = isMapping(value.env) ? value.env : {};
  return {
    version: String(value.version),
    hash: value.hash,
    container: String(value.container),
    volumes: texts(value.volumes),
    annotations: texts(value.annotations),
    env: Object.fromEntries(Object.entries(env).map(([name, variables]) => [name, texts(variables)])),
    hosts: texts(value.hosts),
    sysctl: value.sysctl === true,
    fsGroup: value.fsGroup === true,
    imagePullSecrets: texts(value.imagePullSecrets),
  };
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
