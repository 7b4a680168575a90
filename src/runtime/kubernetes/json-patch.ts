/** RFC 6902, as far as injecting needs it: what is added and what is taken away, in order. */
import { isMapping } from '../config/raw-value.ts';
import { InjectRefusal } from './refusal.ts';

export type Step = string | number;

export type PatchOperation =
  /** Into a mapping under the last step, or into a list before that index (its length: at the end). */
  | { readonly op: 'add'; readonly path: readonly Step[]; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: readonly Step[] };

/** For the API server. */
export function toJsonPatch(operations: readonly PatchOperation[]): Record<string, unknown>[] {
  return operations.map((operation) => ({ ...operation, path: pointer(operation.path) }));
}

/** RFC 6901. */
function pointer(path: readonly Step[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** A copy with the operations carried out. @throws InjectRefusal where what is on the way is of another form */
export function applyPatch(document: unknown, operations: readonly PatchOperation[]): unknown {
  const copy = structuredClone(document);
  for (const operation of operations) applyTo(copy, operation);
  return copy;
}

function applyTo(document: unknown, operation: PatchOperation): void {
  const { path } = operation;
  const last = path.at(-1) ?? '';
  const parent = path.slice(0, -1).reduce<unknown>((value, step) => {
    return typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined;
  }, document);
  if (Array.isArray(parent) && typeof last === 'number') {
    if (operation.op === 'add') parent.splice(last, 0, structuredClone(operation.value));
    else parent.splice(last, 1);
  } else if (isMapping(parent)) {
    if (operation.op === 'add') Reflect.set(parent, last, structuredClone(operation.value));
    else Reflect.deleteProperty(parent, last);
  } else throw new InjectRefusal(`${pointer(path.slice(0, -1))} is not of the form that a pod has there`);
}

/** Collects operations, each made for what the ones before it have left. */
export class Patch {
  readonly operations: PatchOperation[] = [];
  document: unknown;

  constructor(document: unknown) {
    this.document = structuredClone(document);
  }

  /** The value at a path; null, which YAML makes of an empty value, is nothing. */
  at(...path: readonly Step[]): unknown {
    const value = path.reduce<unknown>((inner, step) => {
      return typeof inner === 'object' && inner !== null && Object.hasOwn(inner, step)
        ? Reflect.get(inner, step)
        : undefined;
    }, this.document);
    return value ?? undefined;
  }

  list(...path: readonly Step[]): unknown[] {
    const value = this.at(...path);
    return Array.isArray(value) ? value : [];
  }

  /** Mappings on the way that are not there are made. */
  set(path: readonly Step[], value: unknown): void {
    for (let length = 1; length < path.length; length += 1) {
      const above = path.slice(0, length);
      if (this.at(...above) === undefined) this.#do({ op: 'add', path: above, value: {} });
    }
    this.#do({ op: 'add', path, value });
  }

  /** At the end of a list, or at its start; the list is made where there is none. */
  insert(path: readonly Step[], value: unknown, where: 'first' | 'last' = 'last'): void {
    const there = this.at(...path);
    // `env:` with nothing behind it is none, too.
    if (there === undefined || there === null) this.set(path, []);
    else if (!Array.isArray(there)) throw new InjectRefusal(`${pointer(path)} is no list`);
    const index = where === 'first' ? 0 : this.list(...path).length;
    this.#do({ op: 'add', path: [...path, index], value });
  }

  remove(path: readonly Step[]): void {
    if (this.at(...path) !== undefined) this.#do({ op: 'remove', path });
  }

  /** And what is empty by it. */
  prune(path: readonly Step[], stopAt = 1): void {
    if (this.at(...path) === undefined) return;
    this.remove(path);
    for (let length = path.length - 1; length > stopAt; length -= 1) {
      const above = path.slice(0, length);
      const value = this.at(...above);
      const empty = Array.isArray(value) ? value.length === 0 : isMapping(value) && Object.keys(value).length === 0;
      if (!empty) return;
      this.remove(above);
    }
  }

  #do(operation: PatchOperation): void {
    this.operations.push(operation);
    applyTo(this.document, operation);
  }
}
