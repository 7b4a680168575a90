/** Logging on the path thread: lines go to the keeper, and straight to standard output while there is none. */
import { writeSync } from 'node:fs';
import { ALL_PATTERNS, redactPatterns } from '../record/redact-patterns.ts';
import { errorCode } from './error-text.ts';
import { maskTarget } from './excerpt.ts';
import { escapeControls, type LogLevel, type LogLine, reachesLevel } from './log-line.ts';

export interface PathLog {
  log(level: LogLevel, fields: Readonly<Record<string, unknown>>, message: string): void;
  /** A line made by `accessLine` or `refusedLine`. */
  write(line: LogLine): void;
  /** `log.level` after a reload. */
  setLevel(level: string): void;
  /** Lines that nobody took: the keeper was away and standard output full or closed. */
  readonly dropped: number;
}

/**
 * `post` hands a line to the keeper and returns false when there is none. Never throws: a line must not fail a
 * request.
 */
export function createPathLog(post: (line: LogLine) => boolean, level = 'info', print = printLine): PathLog {
  let threshold = level;
  let dropped = 0;
  const write = (line: LogLine): void => {
    if (!reachesLevel(line.level, threshold) || post(line)) return;
    if (!print(minimalLine(line))) dropped++;
  };
  return {
    write,
    log: (level, fields, message) => write({ time: Date.now(), level, message, fields }),
    setLevel(next) {
      threshold = next;
    },
    get dropped() {
      return dropped;
    },
  };
}

/** The redactor lives in the keeper: without it a request's target is shown without its query and what looks secret. */
function minimalLine({ time, level, message, fields }: LogLine): string {
  const uri = typeof fields.uri === 'string' ? redactPatterns(maskTarget(fields.uri), ALL_PATTERNS) : undefined;
  const shown = uri === undefined ? fields : { ...fields, uri };
  return `${escapeControls(JSON.stringify({ level, time: new Date(time).toISOString(), ...shown, msg: message }))}\n`;
}

/** False when standard output doesn't take it now (a full pipe) or any more (closed). */
function printLine(text: string): boolean {
  try {
    writeSync(1, text);
    return true;
  } catch (error) {
    if (['EAGAIN', 'EPIPE'].includes(errorCode(error))) return false;
    throw error;
  }
}
