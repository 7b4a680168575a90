/**
 * Import rules that Biome can't express: it has one list of restricted imports for a file, so the folder order takes
 * it (biome.json), and what depends on a file's name or on what its imports import is checked here.
 */
import { basename, dirname, join, normalize } from 'node:path/posix';
import { type Finding, isRecord, type Node, type SourceFile } from './source.ts';

/** One import or re-export with a module behind it. */
interface Import {
  readonly module: string;
  readonly line: number;
  /** Gone when the types are stripped. */
  readonly typeOnly: boolean;
  /** `import()`: loaded when first needed, not at start. */
  readonly dynamic: boolean;
}

interface Border {
  readonly prefix: string;
  readonly modules: readonly string[];
  readonly reason: string;
}

/** A file whose name starts with the prefix is the only kind that may import these. */
const BORDERS: readonly Border[] = [
  {
    prefix: 'node-',
    modules: ['node:http', 'node:https', 'node:http2', 'node:net', 'undici'],
    reason: "so that Node's types stop at one border and the steps of the path stay plain data",
  },
  {
    prefix: 'kafka-',
    modules: ['kafkajs', '@platformatic/kafka'],
    reason: 'so that another Kafka client can take its place',
  },
  { prefix: 'spool', modules: ['node:sqlite'], reason: 'so that one place answers for what is on disk' },
];

const PATH_FOLDERS = ['src/accept/', 'src/dispatch/', 'src/forward/', 'src/judge/'];
const PATH_ROOT = 'src/ambassador.ts';

/** Packages that the path thread may not have loaded when it starts. */
const HEAVY = ['zod', 'js-yaml', 'yaml', 'express', 'kafkajs', 'prom-client', 'pino', 'better-sqlite3', 'node:sqlite'];

/** Files outside the borders; files on the path that load, directly or through others, what belongs to the keeper. */
export function checkImports(files: readonly SourceFile[]): Finding[] {
  const graph = new Map(files.map((file) => [file.path, file.nodes.flatMap(importFromNode)]));
  const onPath = files.filter(
    ({ path }) => path === PATH_ROOT || PATH_FOLDERS.some((folder) => path.startsWith(folder)),
  );
  const heavy = onPath.flatMap(({ path }) => findHeavy(path, graph));
  return [...files.flatMap(({ path }) => findBorderBreaks(path, graph.get(path) ?? [])), ...heavy];
}

function findBorderBreaks(path: string, imports: readonly Import[]): Finding[] {
  return BORDERS.filter(({ prefix }) => !basename(path).startsWith(prefix)).flatMap(({ prefix, modules, reason }) =>
    imports
      .filter(({ module }) => modules.some((name) => isModule(module, name)))
      .map(({ module, line }) => ({
        path,
        line,
        message: `only files named ${prefix}* import "${module}", ${reason}. Move this behind such a file.`,
      })),
  );
}

/** The shortest chain to each heavy package, walked breadth first; the finding is at the chain's first import. */
function findHeavy(root: string, graph: ReadonlyMap<string, readonly Import[]>): Finding[] {
  const findings: Finding[] = [];
  const seen = new Set([root]);
  const queue: { path: string; chain: string[]; line: number }[] = [{ path: root, chain: [root], line: 0 }];
  for (const { path, chain, line } of queue) {
    for (const { module, line: ownLine } of (graph.get(path) ?? []).filter(isLoadedAtStart)) {
      const first = line === 0 ? ownLine : line;
      const next = isLocal(module) ? normalize(join(dirname(path), module)) : module;
      if (seen.has(next)) continue;
      seen.add(next);
      if (isLocal(module)) queue.push({ path: next, chain: [...chain, next], line: first });
      else if (HEAVY.some((name) => isModule(module, name)))
        findings.push(heavyFinding(root, first, [...chain, module]));
    }
  }
  return findings;
}

function heavyFinding(path: string, line: number, chain: readonly string[]): Finding {
  const how = chain.join(' → ');
  const message = `the path thread loads "${chain.at(-1)}" (${how}): it belongs to the keeper, for memory and speed. Load it there, or with import() when first needed.`;
  return { path, line, message };
}

function isLoadedAtStart({ typeOnly, dynamic }: Import): boolean {
  return !typeOnly && !dynamic;
}

function isLocal(module: string): boolean {
  return module.startsWith('./') || module.startsWith('../');
}

/** `undici` and `undici/types/…`, not `undici-types`. */
function isModule(module: string, name: string): boolean {
  return module === name || module.startsWith(`${name}/`);
}

const STATIC = ['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration'];

function importFromNode({ type, line, fields }: Node): Import[] {
  if (STATIC.includes(type) && isRecord(fields.source) && typeof fields.source.value === 'string') {
    return [{ module: fields.source.value, line, typeOnly: fields.typeOnly === true, dynamic: false }];
  }
  if (type === 'CallExpression' && isRecord(fields.callee) && fields.callee.type === 'Import') {
    const module = firstArgument(fields.arguments);
    return module === undefined ? [] : [{ module, line, typeOnly: false, dynamic: true }];
  }
  return [];
}

function firstArgument(list: unknown): string | undefined {
  const first: unknown = Array.isArray(list) ? list[0] : undefined;
  if (!isRecord(first) || !isRecord(first.expression)) return undefined;
  return typeof first.expression.value === 'string' ? first.expression.value : undefined;
}
