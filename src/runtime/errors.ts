/** Errors that Outrider raises itself, with the exit code or answer that each stands for. */

/** Exit code for a usage or configuration mistake (EX_USAGE of sysexits.h). */
export const EXIT_USAGE = 64;
export const EXIT_FAILURE = 1;

/** One mistake in a configuration: where it is, what was found and what to do. */
export interface ConfigMistake {
  /** File as the user named it, or `environment`. */
  readonly file: string;
  /** From 1; 0 where there is no place (an environment variable, a missing file). */
  readonly line: number;
  readonly column: number;
  /** `rules[3].match.headers.x-tier`, empty for the document. */
  readonly path: string;
  readonly message: string;
}

/** A configuration that can't be used; carries every mistake found, not just the first. */
export class ConfigError extends Error {
  readonly mistakes: readonly ConfigMistake[];
  constructor(mistakes: readonly ConfigMistake[]) {
    super(mistakes.map(formatMistake).join('\n'));
    this.name = 'ConfigError';
    this.mistakes = mistakes;
  }
}

/** `routes.yaml:12:7: rules[0].target: no target "qa1"; did you mean "qa"?` */
export function formatMistake({ file, line, column, path, message }: ConfigMistake): string {
  const place = line > 0 ? `${file}:${line}:${column}` : file;
  return path === '' ? `${place}: ${message}` : `${place}: ${path}: ${message}`;
}

/** Something other than the configuration keeps Outrider from starting; one sentence with the fix. Exit code 1. */
export class StartError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StartError';
  }
}
