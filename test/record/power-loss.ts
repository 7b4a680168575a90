/**
 * What a disk may hold after the power went: rebuilt from the system calls of a process. What was fsynced is there; of
 * everything since, any part may be: writes one by one, torn at a sector, names in the order in which they were made.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** One system call on the disk, of those that succeeded. */
export type DiskCall =
  | { readonly call: 'create' | 'mkdir' | 'unlink' | 'rmdir' | 'sync'; readonly path: string }
  | { readonly call: 'rename' | 'link'; readonly path: string; readonly to: string }
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
    case 'rmdir':
      return { call: name, path: String(first) };
    case 'rename':
    case 'link':
      return { call: name, path: String(first), to: String(second) };
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

type Names = Map<string, Inode | Folder>;

/** A folder: its names as they are now, those that are durable, and the changes between, in their order. */
class Folder {
  readonly now: Names = new Map();
  readonly durable: Names = new Map();
  changes: ((names: Names) => void)[] = [];

  change(change: (names: Names) => void): void {
    change(this.now);
    this.changes.push(change);
  }

  sync(): void {
    for (const change of this.changes) change(this.durable);
    this.changes = [];
  }
}

/** How much of what was not fsynced is there after the crash. */
export type Survivors = 'none' | 'all' | (() => number);

export class Disk {
  readonly #root: string;
  readonly #top = new Folder();

  /** `root` is there already, and empty. */
  constructor(root: string) {
    this.#root = root;
  }

  apply(call: DiskCall): void {
    // What has no name any more goes with the process.
    if (call.call === 'said' || call.path.endsWith(' (deleted)')) return;
    const folder = this.#folder(dirname(call.path));
    const name = basename(call.path);
    if (call.call === 'create') this.#create(folder, name);
    else if (call.call === 'mkdir') this.#link(folder, name, new Folder());
    else if (call.call === 'unlink' || call.call === 'rmdir') folder.change((names) => void names.delete(name));
    else if (call.call === 'rename') this.#rename(folder, name, call.to);
    else if (call.call === 'link')
      this.#link(this.#folder(dirname(call.to)), basename(call.to), this.#inode(call.path));
    else if (call.call === 'sync') (this.#find(call.path) ?? this.#inode(call.path)).sync();
    else if (call.call === 'truncate') this.#inode(call.path).truncate(call.length);
    else if (call.call === 'write') this.#inode(call.path).write(call.at ?? this.#inode(call.path).length, call.bytes);
  }

  /** Writes what the disk may hold now below `target`. */
  crash(target: string, survivors: Survivors): void {
    const random = typeof survivors === 'function' ? survivors : () => (survivors === 'all' ? 0 : 1);
    restore(this.#top, target, random);
  }

  #create(folder: Folder, name: string): void {
    if (!folder.now.has(name)) this.#link(folder, name, new Inode());
  }

  #link(folder: Folder, name: string, node: Inode | Folder): void {
    folder.change((names) => void names.set(name, node));
  }

  #rename(folder: Folder, from: string, path: string): void {
    const node = folder.now.get(from);
    if (node === undefined || this.#folder(dirname(path)) !== folder) throw new Error(`rename of ${from} to ${path}`);
    folder.change((names) => {
      names.delete(from);
      names.set(basename(path), node);
    });
  }

  #folder(path: string): Folder {
    const found = this.#find(path);
    if (found instanceof Folder) return found;
    // What lies above the root is not of the disk; a change there would be a mistake of the test.
    if (path === dirname(this.#root)) return new Folder();
    throw new Error(`the model of the disk has no folder ${path}`);
  }

  #inode(path: string): Inode {
    const found = this.#find(path);
    if (found instanceof Inode) return found;
    throw new Error(`the model of the disk has no file ${path}`);
  }

  #find(path: string): Inode | Folder | undefined {
    if (path === this.#root) return this.#top;
    let node: Inode | Folder | undefined = this.#top;
    for (const name of path.slice(this.#root.length + 1).split('/')) {
      node = node instanceof Folder ? node.now.get(name) : undefined;
    }
    return node;
  }
}

function restore(folder: Folder, target: string, random: () => number): void {
  const names: Names = new Map(folder.durable);
  // Names become durable in their order: so many of them have.
  const kept = Math.ceil(folder.changes.length * (1 - random()));
  for (const change of folder.changes.slice(0, kept)) change(names);
  for (const [name, node] of names) {
    const path = join(target, name);
    if (node instanceof Inode)
      writeFileSync(path, node.after(node.changes.flatMap((change) => survived(change, random))));
    else {
      mkdirSync(path, { recursive: true });
      restore(node, path, random);
    }
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
