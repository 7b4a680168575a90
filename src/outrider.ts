#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { isBundled, packageRoot } from './runtime/package-root.ts';

// What V8 compiled at an earlier start is read instead of made again; where the folder can't be written, it is not.
// Beside the code, not in the shared temporary folder: whoever can write it decides what runs.
if (isBundled) {
  const cache = join(packageRoot, 'dist', '.compile-cache');
  enableCompileCache(cache);
  // For the keeper's thread.
  process.env.NODE_COMPILE_CACHE ??= cache;
}

const { runCli } = await import('./runtime/cli/cli.ts');
// Set, not exited with: what is still being written gets out first.
process.exitCode = await runCli(process.argv.slice(2));
