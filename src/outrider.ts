#!/usr/bin/env node
import { runCli } from './runtime/cli/cli.ts';

// Set, not exited with: what is still being written gets out first.
process.exitCode = await runCli(process.argv.slice(2));
