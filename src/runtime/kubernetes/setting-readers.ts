/** How the values of settings are read: text, as annotations and options have it. */
import { isMapping } from '../config/raw-value.ts';
import { type EnvMode, type InjectSettings, QUOTA } from './inject-settings.ts';
import { parseJson } from './parse-json.ts';
import { parseQuantity } from './quantity.ts';

export const NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;
export const HOST = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
export const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'];
export const ENV_MODES: readonly EnvMode[] = ['none', 'http-proxy', 'base-url'];

type KeysOf<Value> = {
  [Key in keyof InjectSettings]: InjectSettings[Key] extends Value ? Key : never;
}[keyof InjectSettings];
/** Takes a value over; false: it is not of the form that the setting wants. */
export type Reader = (text: string, into: InjectSettings) => boolean;

export function booleanInto(key: 'native' | 'scrape'): Reader {
  return (text, into) => {
    into[key] = text === 'true';
    return text === 'true' || text === 'false';
  };
}

export function portInto(key: 'port' | 'metricsPort' | 'adminPort' | 'inboundPort' | 'appPort'): Reader {
  return (text, into) => {
    const port = Number(text);
    into[key] = port;
    return /^[1-9][0-9]{0,4}$/.test(text) && port <= 65_535;
  };
}

export function listInto(key: 'config' | 'intercept' | 'containers', form: RegExp, most = 50): Reader {
  return (text, into) => {
    const names = text.split(',').map((name) => name.trim());
    into[key] = names;
    return names.length <= most && names.every((name) => form.test(name));
  };
}

export function oneOfInto(key: KeysOf<string>, allowed: readonly string[]): Reader {
  return (text, into) => {
    Reflect.set(into, key, text);
    return allowed.includes(text);
  };
}

export function textInto(key: 'secret', form: RegExp): Reader {
  return (text, into) => {
    into[key] = text;
    return form.test(text);
  };
}

export function quantityInto(key: 'cpuRequest' | 'cpuLimit' | 'memoryRequest' | 'memoryLimit'): Reader {
  return (text, into) => {
    into[key] = text;
    return (parseQuantity(text) ?? 0) > 0;
  };
}

export function readEnvMode(text: string, into: InjectSettings): boolean {
  const mode = ENV_MODES.find((one) => one === text);
  into.envMode = mode ?? 'none';
  return mode !== undefined;
}

export function readUser(text: string, into: InjectSettings): boolean {
  into.runAsUser = text === 'none' ? null : Number(text);
  return text === 'none' || /^[1-9][0-9]{0,9}$/.test(text);
}

export function readSpool(text: string, into: InjectSettings): boolean {
  const [kind, first = '', second = '', more] = text.split(':');
  const isSize = (size: string): boolean => (parseQuantity(size) ?? 0) >= 2 ** 20;
  if (more !== undefined) return false;
  switch (kind) {
    case 'none':
      into.spool = { kind };
      return first === '';
    case 'emptyDir':
      into.spool = { kind, size: first || QUOTA };
      return isSize(into.spool.size) && second === '';
    case 'ephemeral':
      into.spool = { kind, size: first || QUOTA, storageClass: second };
      return isSize(into.spool.size) && (second === '' || NAME.test(second));
    case 'pvc':
      into.spool = { kind: 'claim', claimName: first, size: second || QUOTA };
      return isSize(into.spool.size) && NAME.test(first);
    default:
      return false;
  }
}

export function readExtraEnv(text: string, into: InjectSettings): boolean {
  const value = parseJson(text);
  if (!isMapping(value)) return false;
  const entries = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  into.extraEnv = Object.fromEntries(entries);
  return entries.length === Object.keys(value).length && entries.every(([name]) => VARIABLE.test(name));
}
