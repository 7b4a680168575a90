import { CommanderError } from 'commander';
import { ConfigError, EXIT_FAILURE, EXIT_USAGE, formatMistake, StartError } from '../errors.ts';
import { type CliContext, processContext } from './context.ts';
import { messageOf, systemCode } from './error-words.ts';
import { buildProgram } from './program.ts';
import { CommandFailure, UsageError } from './usage-error.ts';

const PROGRAM_OPTIONS = new Set(['-h', '--help', '-V', '--version']);

/**
 * Runs one command line (without `node` and the script) and gives its exit code: 0, 1 when it failed, 64 when the
 * command line or the configuration is wrong. Never throws; every error is told on standard error.
 */
export async function runCli(args: readonly string[], context: CliContext = processContext()): Promise<number> {
  let code = 0;
  const program = buildProgram(context, (exitCode) => {
    code = exitCode;
  });
  try {
    await program.parseAsync(withCommand(args), { from: 'user' });
    return code;
  } catch (error) {
    return tell(error, context);
  }
}

/** The image is started without a word, or with options alone: that means `run`. */
function withCommand(args: readonly string[]): string[] {
  const [first] = args;
  const named = first !== undefined && (!first.startsWith('-') || PROGRAM_OPTIONS.has(first));
  return named ? [...args] : ['run', ...args];
}

function tell(error: unknown, context: CliContext): number {
  // Commander has written its own message, or the help, already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  if (error instanceof ConfigError) {
    for (const mistake of error.mistakes) context.err(formatMistake(mistake));
    return EXIT_USAGE;
  }
  const known = [UsageError, CommandFailure, StartError].some((kind) => error instanceof kind) || isSystemError(error);
  // A mistake of ours is worth its stack; everything else is told in one line.
  context.err(`outrider: ${!known && error instanceof Error ? error.stack : messageOf(error)}`);
  return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILURE;
}

/** EACCES, ENOSPC and their like are told in one line; Node's own ERR_… are mistakes of ours. */
function isSystemError(error: unknown): boolean {
  const code = systemCode(error);
  return code !== undefined && !code.startsWith('ERR_');
}
