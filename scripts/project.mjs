// What the npm scripts share. Plain JavaScript that Node 20 runs: it is loaded before anything is installed.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Oldest major version of Node.js that runs the TypeScript sources and has what Outrider needs. */
const OLDEST_NODE = 24;

/**
 * The Node.js that everything after the installation runs on: the project's own, else (in an image build, where
 * it is left out) the running one if it is new enough.
 */
export function nodeBinary() {
  const own = join(root, 'node_modules', '.bin', 'node');
  if (existsSync(own)) return own;
  if (Number(process.versions.node.split('.')[0]) >= OLDEST_NODE) return process.execPath;
  throw new Error(`Node.js ${OLDEST_NODE} or newer is needed, and node_modules/.bin/node is missing: run npm ci`);
}

/** Hex SHA-256 over names and contents of files; folders are walked. Paths are relative to `folder`. */
export function hashFiles(paths, folder = root) {
  const hash = createHash('sha256');
  for (const path of paths.flatMap((path) => listFiles(join(folder, path)))) {
    hash
      .update(`${relative(folder, path)}\0`)
      .update(readFileSync(path))
      .update('\0');
  }
  return hash.digest('hex');
}

function listFiles(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => listFiles(join(path, name)));
}

/** PATH without any node_modules/.bin: what the person's own shell would find. */
export function outerPath(path = process.env.PATH ?? '') {
  return path
    .split(delimiter)
    .filter((folder) => !folder.endsWith(join('node_modules', '.bin')) && !folder.includes('node-gyp-bin'))
    .join(delimiter);
}

/** Runs to the end and returns {code, output}; output is stdout and stderr together. */
export function runQuietly(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26, ...options });
  if (result.error) return { code: 127, output: `${command}: ${result.error.message}\n` };
  return { code: result.status ?? 1, output: `${result.stdout}${result.stderr}` };
}

/** Within this time the same signal again is the same Ctrl-C. */
const SAME_SIGNAL_MS = 1000;

/**
 * Runs with our terminal's streams and resolves to the exit code. It has a process group of its own, and gets each
 * signal from us once: a Ctrl-C comes here from the terminal, and again from npm, and a second one means "now".
 */
export function runForeground(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', detached: true, ...options });
    let passedAt = Number.NEGATIVE_INFINITY;
    const pass = (signal) => {
      if (performance.now() - passedAt < SAME_SIGNAL_MS) return;
      passedAt = performance.now();
      child.kill(signal);
    };
    // They stay when it has ended: npm's copy of a signal may come after that, and would end us with its number.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, pass);
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

/** Prints one line to the person. */
export function say(line) {
  process.stdout.write(`${line}\n`);
}
