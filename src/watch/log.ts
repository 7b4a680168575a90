/** The log: JSON lines of pino on standard output, written by the keeper for both threads. */
import { destination, pino } from 'pino';
import { ALL_PATTERNS, redactPatterns } from '../record/redact-patterns.ts';
import { maskTarget } from './excerpt.ts';
import { escapeControls, type LogLevel, type LogLine } from './log-line.ts';

export {
  type AccessFields,
  accessLine,
  type LogLevel,
  type LogLine,
  refusedLine,
  wantsAccessLine,
} from './log-line.ts';
export { createPathLog, type PathLog } from './path-log.ts';

/** What takes secrets out of text that came with a request. */
export interface LogRedaction {
  /** A request target: path and query. */
  uri(uri: string): string;
  /** Any other text. */
  text(text: string): string;
}

export interface KeeperLog {
  log(level: LogLevel, fields: Readonly<Record<string, unknown>>, message: string): void;
  /** Lines that the path thread posted: written together. */
  write(...lines: readonly LogLine[]): void;
  setLevel(level: string): void;
  setRedaction(redaction: LogRedaction): void;
}

export interface KeeperLogOptions {
  /** A level of pino, or `silent`. Throws when it is neither. */
  readonly level: string;
  /** Until there is one, targets are shown without their query. */
  readonly redaction?: LogRedaction;
  /** Takes whole lines; standard output unless given. */
  readonly print?: (line: string) => void;
}

const WITHOUT_QUERY: LogRedaction = {
  uri: (uri) => redactPatterns(maskTarget(uri), ALL_PATTERNS),
  text: (text) => text,
};

/** Opens the log. A closed standard output loses lines, nothing else. */
export function createKeeperLog({ level, redaction = WITHOUT_QUERY, print = printer() }: KeeperLogOptions): KeeperLog {
  let redact = remembering(redaction);
  // A write costs more than the line that is in it.
  let written = '';
  const logger = pino(
    { level, base: null, timestamp: false, formatters: { level: (label) => ({ level: label }) } },
    {
      write: (line: string) => {
        written += line;
      },
    },
  );
  const add = ({ time, level, message, fields }: LogLine): void => {
    if (!logger.isLevelEnabled(level)) return;
    const shown = redactFields(fields, redact, { time: new Date(time).toISOString() });
    logger[level](shown, redact.text(message));
  };
  const write = (...lines: readonly LogLine[]): void => {
    for (const line of lines) add(line);
    if (written !== '') print(escapeControls(written));
    written = '';
  };
  return {
    write,
    log: (level, fields, message) => write({ time: Date.now(), level, message, fields }),
    setLevel(next) {
      logger.level = next;
    },
    setRedaction(next) {
      redact = remembering(next);
    },
  };
}

const REMEMBERED = 500;
const LONGEST_REMEMBERED = 128;

/** Names of rules, words of errors: the same texts come with every line. Not so targets. */
function remembering({ uri, text }: LogRedaction): LogRedaction {
  const known = new Map<string, string>();
  return {
    uri,
    text: (whole) => {
      const before = known.get(whole);
      if (before !== undefined) return before;
      const shown = text(whole);
      if (known.size >= REMEMBERED) known.clear();
      if (whole.length <= LONGEST_REMEMBERED) known.set(whole, shown);
      return shown;
    },
  };
}

/** Every string of the fields, into `shown`; numbers and flags hold no secret, errors become their message. */
function redactFields(
  fields: Readonly<Record<string, unknown>>,
  redact: LogRedaction,
  shown: Record<string, unknown> = {},
): Record<string, unknown> {
  for (const name of Object.keys(fields)) shown[name] = redactValue(name, fields[name], redact);
  return shown;
}

function redactValue(name: string, value: unknown, redact: LogRedaction): unknown {
  // An id of ours, which by chance may look like the number of a card.
  if (name === 'record') return value;
  if (typeof value === 'string') return name === 'uri' ? redact.uri(value) : redact.text(value);
  if (value instanceof Error) return redact.text(`${value.name}: ${value.message}`);
  if (Array.isArray(value)) return value.map((item) => redactValue(name, item, redact));
  if (typeof value === 'object' && value !== null) return redactFields({ ...value }, redact);
  return value;
}

/** Synchronous: what was logged before a crash is there to explain it. */
function printer(): (line: string) => void {
  const out = destination({ fd: 1, sync: true });
  out.on('error', () => {
    // Nobody reads any more (EPIPE): there is no place left to tell it, and no reason to end.
  });
  return (line) => void out.write(line);
}
