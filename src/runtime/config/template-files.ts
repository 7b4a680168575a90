/**
 * Which files templates may read. What is written in the configuration is checked when it is loaded (check-templates);
 * where a path leads on the disk, each time it is read: whoever may put a link into a folder of secrets must not open
 * the rest of the disk with it.
 */
import { realpathSync } from 'node:fs';
import { posix } from 'node:path';
import type { ProcessSettings } from '../../settings.ts';

/** Kubernetes projects the pod's own tokens there; /var/run is a link to /run in most images. */
const serviceAccount = /\/secrets\/(kubernetes\.io|eks\.amazonaws\.com|azure\/tokens)(\/|$)/;

export const isServiceAccount = (path: string): boolean => serviceAccount.test(path);

/** Absolute, without dot segments, with the usual link of /var/run resolved. */
export function canonical(file: string): string {
  return posix.resolve(file).replace(/^\/var\/run\//, '/run/');
}

/** `*` stands for any part of one name, never for a slash. */
export function globMatches(glob: string, path: string): boolean {
  const names = glob.split('/');
  const given = path.split('/');
  return names.length === given.length && names.every((part, index) => nameMatches(part, given[index] ?? ''));
}

function nameMatches(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return pattern === name;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let at = first.length;
  const end = name.length - last.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

export class TemplateFiles {
  private readonly settings: ProcessSettings;

  constructor(settings: ProcessSettings) {
    this.settings = settings;
  }

  /** The file behind all links, which is the one to read. Throws RangeError where it may not, else Node's error. */
  resolve(path: string): string {
    const real = realpathSync(path);
    const { spool, templates } = this.settings;
    const roots = templates.files.filter((glob) => globMatches(canonical(glob), canonical(path))).map(folderOf);
    const inside = roots.some((root) => isBelow(real, realOf(root)));
    const secret = isServiceAccount(real) || isBelow(real, realOf(spool.path)) || this.secrets().includes(real);
    if (secret || !inside) throw new RangeError(`${path} leads to a file that templates do not read`);
    return real;
  }

  private secrets(): string[] {
    const { listeners, spool, kafka, admin } = this.settings;
    const files = [spool.keyFile, kafka.tls.key, kafka.sasl.passwordFile, admin.tokens.read, admin.tokens.operate];
    for (const { tls, auth } of listeners) files.push(tls.key, 'file' in auth ? auth.file : '');
    return files.filter((file) => file !== '').map(realOf);
  }
}

/** The part of a glob that names one folder. */
function folderOf(glob: string): string {
  const path = canonical(glob);
  const star = path.indexOf('*');
  return path.slice(0, Math.max(1, path.lastIndexOf('/', star < 0 ? path.length : star)));
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder === '/' ? '/' : `${folder}/`);
}

/** The path itself where there is nothing yet. */
function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return posix.resolve(path);
  }
}
