/** Copies of the project that may be broken. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { broken, type Sabotage } from './sabotage.ts';

export const ROOT = join(import.meta.dirname, '../..');
/** What tests read. */
const COPIED = ['src', 'test', 'scripts', 'bench', 'schema', 'example', 'docs', 'package.json', 'jest.config.mjs'];
const MORE = [
  'tsconfig.json',
  'tsconfig.test.json',
  'package-lock.json',
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
];

export class Tree {
  readonly folder: string;
  readonly #outer: string;

  constructor() {
    this.#outer = mkdtempSync(join(tmpdir(), 'outrider-museum-'));
    this.folder = join(this.#outer, 'tree');
    mkdirSync(this.folder);
    for (const name of [...COPIED, ...MORE]) {
      if (existsSync(join(ROOT, name))) cpSync(join(ROOT, name), join(this.folder, name), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'));
    const shared = join(ROOT, '../shared');
    if (existsSync(shared)) symlinkSync(shared, join(this.#outer, 'shared'));
  }

  /** Breaks it, runs `work`, mends it. */
  async with<T>(sabotage: Sabotage | null, work: () => Promise<T>): Promise<T> {
    if (sabotage === null) return await work();
    const path = join(this.folder, sabotage.file);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, broken(sabotage, text));
    try {
      return await work();
    } finally {
      writeFileSync(path, text);
    }
  }

  remove(): void {
    rmSync(this.#outer, { recursive: true, force: true });
  }
}
