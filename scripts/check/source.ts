/** A parsed source file, and what a rule says about one. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseSync } from '@swc/core';

export interface SourceFile {
  /** From the project's folder, with `/`: `src/accept/guard.ts`. */
  readonly path: string;
  readonly text: string;
  /** Every node of the syntax tree, parents before their children. */
  readonly nodes: readonly Node[];
}

/** A node of swc's tree: rules pick it by `type` and read the fields they know. */
export interface Node {
  readonly type: string;
  /** Line of its first and last character, from 1. */
  readonly line: number;
  readonly endLine: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** `src/a.ts:12 what is wrong and why`. */
export function formatFinding({ path, line, message }: Finding): string {
  return `${path}:${line} ${message}`;
}

/** All `.ts` files below the folders that exist, in order of their paths. */
export function readSources(root: string, folders: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) => listTypeScript(join(root, folder))).map((path) => readSource(root, path));
}

function listTypeScript(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return entries
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => join(folder, name));
}

function readSource(root: string, file: string): SourceFile {
  const text = readFileSync(file, 'utf8');
  return { path: relative(root, file).replaceAll('\\', '/'), text, nodes: parseNodes(text, file) };
}

function parseNodes(text: string, file: string): Node[] {
  // Positions are offsets in bytes of UTF-8 that start where the last parsed text ended: an empty one tells where.
  const start = parseSync('', { syntax: 'typescript' }).span.end;
  const lineAt = lineFinder(text, start);
  const nodes: Node[] = [];
  try {
    collect(parseSync(text, { syntax: 'typescript', target: 'es2024' }), lineAt, nodes);
  } catch (error) {
    throw new Error(`${file} does not parse: ${String(error)}`, { cause: error });
  }
  return nodes;
}

function collect(value: unknown, lineAt: (position: number) => number, into: Node[]): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, lineAt, into);
  } else if (isRecord(value)) {
    // swc wraps list items as {spread, expression}: those have no type of their own, but their children do.
    if (typeof value.type === 'string' && isSpan(value.span)) {
      const { start, end } = value.span;
      into.push({ type: value.type, line: lineAt(start), endLine: lineAt(Math.max(start, end - 1)), fields: value });
    }
    for (const child of Object.values(value)) collect(child, lineAt, into);
  }
}

/** Line of a byte position, by bisection over the starts of lines. */
function lineFinder(text: string, start: number): (position: number) => number {
  const bytes = Buffer.from(text);
  const starts = [start];
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) starts.push(start + at + 1);
  return (position) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= position) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isSpan(value: unknown): value is { start: number; end: number } {
  return isRecord(value) && typeof value.start === 'number' && typeof value.end === 'number';
}
