import { readFileSync } from 'node:fs';
import { convertConfig, type OlderSystem } from '../config/convert.ts';
import { ConfigError } from '../errors.ts';
import type { CliContext } from './context.ts';
import { causeOf } from './error-words.ts';
import { UsageError } from './usage-error.ts';

/** How the converters name what they are given. */
const INPUT = 'input';
/** These were configured by a file; the others by variables, or by defaults. */
const NEEDS_FILE: ReadonlySet<OlderSystem> = new Set<OlderSystem>(['dispatcher', 'proxy']);

/**
 * Prints our configuration for that of an older system.
 *
 * @param file `-`: standard input
 * @throws UsageError when there is nothing to read
 * @throws ConfigError with every mistake, under the file's name
 */
export async function convert(from: OlderSystem, file: string | undefined, context: CliContext): Promise<number> {
  const input = await readInput(from, file, context);
  try {
    context.out(convertConfig(from, input, context.env).trimEnd());
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const name = file === undefined || file === '-' ? 'standard input' : file;
    throw new ConfigError(error.mistakes.map((one) => (one.file === INPUT ? { ...one, file: name } : one)));
  }
  return 0;
}

function readInput(from: OlderSystem, file: string | undefined, context: CliContext): string | Promise<string> {
  if (file === '-') return context.readInput();
  if (file === undefined) {
    if (NEEDS_FILE.has(from)) throw new UsageError(`convert --from ${from}: name its file, or - for standard input`);
    return '';
  }
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} can't be read (${causeOf(error)})`);
  }
}
