/** Lines and columns of a text, and its decoding. */
import { ConfigError } from '../errors.ts';
import { errorCodeOf } from './system-error.ts';

/** A ConfigMap holds 1 MiB; ten thousand rules fit into 2 MiB. */
export const maxTextBytes = 8 << 20;

/** Both from 1; a column counts UTF-16 units, as editors do. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

/** Prepares the look-up of many offsets of one text. */
export function placeFinder(text: string): (offset: number) => TextPlace {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: Math.max(0, offset - (starts[low] ?? 0)) + 1 };
  };
}

/**
 * Strict UTF-8, a byte order mark removed.
 *
 * @throws ConfigError at the first byte that is not UTF-8.
 */
export function decodeUtf8(bytes: Uint8Array, file: string): string {
  if (bytes.length > maxTextBytes) refuse(file, 1, 1, `the file is larger than ${maxTextBytes >> 20} MiB`);
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    refuse(file, 1, 1, 'the file is UTF-16: save it as UTF-8');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (errorCodeOf(error) !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error;
    const good = new TextDecoder().decode(bytes).split('\uFFFD', 1)[0] ?? '';
    const { line, column } = placeFinder(good)(good.length);
    return refuse(file, line, column, 'the file is not UTF-8 here: save it as UTF-8');
  }
}

function refuse(file: string, line: number, column: number, message: string): never {
  throw new ConfigError([{ file, line, column, path: '', message }]);
}
