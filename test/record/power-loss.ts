/**
 * What a disk may hold after the power went: rebuilt from the system calls of a process. What was fsynced is there; of
 * everything since, any part may be: writes one by one, torn at a sector, names in the order in which they were made.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** One system call on the disk, of those that succeeded. */
export type DiskCall =
  | { readonly call: 'create' | 'mkdir' | 'unlink' | 'sync'; readonly path: string }
  | { readonly call: 'rename'; readonly path: string; readonly to: string }
  | { readonly call: 'write'; readonly path: string; readonly bytes: Buffer; readonly at: number | null }
  | { readonly call: 'truncate'; readonly path: string; readonly length: number }
  | { readonly call: 'said'; readonly line: string };

const SECTOR = 512;

/** Of `strace -y -xx -s …`, of one thread; what is not below `root` is left out, but for what was said on stdout. */
export function diskCallsFrom(trace: string, root: string): DiskCall[] {
  return trace.split('\n').flatMap((line): DiskCall[] => {
    const [, name = '', args = '', result = ''] = /^([a-z0-9_]+)\((.*)\) += (-?\d+)/.exec(line) ?? [];
    if (name === '' || result.startsWith('-')) return [];
    const strings = [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = '']) => unhex(hex));
    const open = unhex(/^\d+<((?:\\x[0-9a-f]{2})*)>/.exec(args)?.[1] ?? '').toString();
    if (name === 'write' && args.startsWith('1<')) return [{ call: 'said', line: String(strings[0]).trim() }];
    const call = callFrom(name, args, open, strings, Number(result));
    return call !== null && 'path' in call && `${call.path}/`.startsWith(`${root}/`) ? [call] : [];
  });
}

function callFrom(
  name: string,
  args: string,
  open: string,
  strings: readonly Buffer[],
  result: number,
): DiskCall | null {
  const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = strings;
  const last = Number(/, (\d+)$/.exec(args)?.[1]);
  switch (name) {
    case 'openat':
      return args.includes('O_CREAT') ? { call: 'create', path: String(first) } : null;
    case 'mkdir':
    case 'unlink':
      return { call: name, path: String(first) };
    case 'rename':
      return { call: 'rename', path: String(first), to: String(second) };
    case 'pwrite64':
      return { call: 'write', path: open, bytes: first.subarray(0, result), at: last };
    case 'write':
      return { call: 'write', path: open, bytes: first.subarray(0, result), at: null };
    case 'ftruncate':
      return { call: 'truncate', path: open, length: last };
    case 'fsync':
    case 'fdatasync':
      return { call: 'sync', path: open };
    default:
      throw new Error(`the model of the disk does not know ${name}`);
  }
}

const unhex = (text: string): Buffer => Buffer.from(text.replaceAll('\\x', ''), 'hex');

type Change = { readonly at: number; readonly bytes: Buffer } | { readonly length: number };

/** A file, whatever its name: what is durable of it, and what came since. */
class Inode {
  durable: Buffer = Buffer.alloc(0);
  changes: Change[] = [];
  length = 0;

  write(at: number, bytes: Buffer): void {
    this.changes.push({ at, bytes });
    this.length = Math.max(this.length, at + bytes.length);
  }

  truncate(length: number): void {
    this.changes.push({ length });
    this.length = length;
  }

  sync(): void {
    this.durable = this.after(this.changes);
    this.changes = [];
  }

  after(changes: readonly Change[]): Buffer {
    return changes.reduce(applied, this.durable);
  }
}

function applied(content: Buffer, change: Change): Buffer {
  const length = 'length' in change ? change.length : Math.max(content.length, change.at + change.bytes.length);
  const next = Buffer.alloc(length);
  content.copy(next);
  if ('bytes' in change) change.bytes.copy(next, change.at);
  return next;
}

type Entry = Inode | 'folder';
type NameChange = (names: Map<string, Entry>) => void;

/** A folder: its durable names, and the changes since, in their order. */
interface Folder {
  readonly durable: Map<string, Entry>;
  changes: NameChange[];
}

/** How much of what was not fsynced is there after the crash. */
export type Survivors = 'none' | 'all' | (() => number);

export class Disk {
  readonly #root: string;
  readonly #names = new Map<string, Entry>();
  readonly #folders = new Map<string, Folder>();

  /** `root` is there already, and empty. */
  constructor(root: string) {
    this.#root = root;
    this.#folders.set(root, { durable: new Map(), changes: [] });
  }

  apply(call: DiskCall): void {
    if (call.call === 'create') this.#create(call.path);
    else if (call.call === 'mkdir') this.#mkdir(call.path);
    else if (call.call === 'unlink') this.#unlink(call.path);
    else if (call.call === 'rename') this.#rename(call.path, call.to);
    else if (call.call === 'write') this.#inode(call.path).write(call.at ?? this.#inode(call.path).length, call.bytes);
    else if (call.call === 'truncate') this.#inode(call.path).truncate(call.length);
    else if (call.call === 'sync') this.#sync(call.path);
  }

  /** Writes what the disk may hold now below `target`. */
  crash(target: string, survivors: Survivors): void {
    const random = typeof survivors === 'function' ? survivors : () => (survivors === 'all' ? 0 : 1);
    this.#restore(this.#root, target, random);
  }

  #restore(folder: string, target: string, random: () => number): void {
    const state = this.#folders.get(folder);
    if (state === undefined) return;
    const names = new Map(state.durable);
    // Names become durable in their order: so many of them have.
    const kept = Math.ceil(state.changes.length * (1 - random()));
    for (const change of state.changes.slice(0, kept)) change(names);
    for (const [path, entry] of names) {
      const name = join(target, path.slice(folder.length + 1));
      if (entry === 'folder') {
        mkdirSync(name, { recursive: true });
        this.#restore(path, name, random);
      } else writeFileSync(name, entry.after(entry.changes.flatMap((change) => survived(change, random))));
    }
  }

  #create(path: string): void {
    if (this.#names.has(path)) return;
    this.#link(path, new Inode());
  }

  #mkdir(path: string): void {
    this.#folders.set(path, { durable: new Map(), changes: [] });
    this.#link(path, 'folder');
  }

  #link(path: string, entry: Entry): void {
    this.#names.set(path, entry);
    this.#change(path, (names) => void names.set(path, entry));
  }

  #unlink(path: string): void {
    this.#names.delete(path);
    this.#change(path, (names) => void names.delete(path));
  }

  #rename(from: string, to: string): void {
    const inode = this.#inode(from);
    this.#names.delete(from);
    this.#names.set(to, inode);
    this.#change(to, (names) => {
      names.delete(from);
      names.set(to, inode);
    });
  }

  #sync(path: string): void {
    const folder = this.#folders.get(path);
    if (folder === undefined) {
      this.#inode(path).sync();
      return;
    }
    for (const change of folder.changes) change(folder.durable);
    folder.changes = [];
  }

  #change(path: string, change: NameChange): void {
    this.#folders.get(dirname(path))?.changes.push(change);
  }

  #inode(path: string): Inode {
    const entry = this.#names.get(path);
    if (entry instanceof Inode) return entry;
    throw new Error(`the model of the disk has no file ${path}`);
  }
}

/** Whole, not at all, or torn at a sector. */
function survived(change: Change, random: () => number): Change[] {
  const chance = random();
  if (chance < 0.45) return [change];
  if (chance >= 0.55 || 'length' in change) return [];
  const bytes = change.bytes.subarray(0, Math.floor((change.bytes.length * random()) / SECTOR) * SECTOR);
  return bytes.length === 0 ? [] : [{ at: change.at, bytes }];
}
