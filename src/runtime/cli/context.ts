/** What a command may touch of the process it runs in: handed in, so that tests hand in their own. */
import { styleText } from 'node:util';

export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** One line of the result. */
  out(line: string): void;
  /** One line about the work: warnings, errors, hints. */
  err(line: string): void;
  /** Colour, where standard output is a terminal and NO_COLOR isn't set. */
  style(format: 'bold' | 'dim' | 'green' | 'red' | 'yellow', text: string): string;
  /** All of standard input, UTF-8. */
  readInput(): Promise<string>;
}

/** The real one. */
export function processContext(): CliContext {
  // A reader that has seen enough (`outrider records | head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return {
    env: process.env,
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`${line}\n`),
    style: (format, text) => styleText(format, text, { stream: process.stdout }),
    readInput: async () => {
      const { text } = await import('node:stream/consumers');
      return text(process.stdin);
    },
  };
}
