/**
 * What a frozen client gets wrong in the head of a request, repaired before anything reads it; `tolerate` of a
 * listener. Pure. Only the head, and never what frames the message: a head in which Content-Length,
 * Transfer-Encoding, Connection or Host would change is left as it is, and refused by the parser behind.
 */
import { isUtf8 } from 'node:buffer';
import { listTokens } from './field.ts';

export type Tolerance = 'missing-host' | 'raw-target' | 'bare-lf' | 'obs-fold';

/** How the body after a head is framed; `unknown`: nobody here says where the next head begins. */
export type BodyFraming = number | 'chunked' | 'unknown';

export interface RepairedHead {
  readonly bytes: Buffer;
  readonly framing: BodyFraming;
  readonly repaired: readonly Tolerance[];
}

interface Line {
  readonly name: string;
  value: string;
}

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (.*) (HTTP\/1\.[01])$/s;
const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):(.*)$/s;
/** A target that is right, or is for the guard to judge. */
const PLAIN_TARGET = /^[\x21-\x7e]+$/;
/** A path with raw spaces or UTF-8 inside: not at its ends, where the line itself would become another one. */
const RAW_TARGET = /^\/(?:[\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?$/;
/** Fields that say where a message ends, whose it is, or what is done with it. */
const NEVER_FOLDED = /^(?:connection|content-length|expect|host|te|trailer|transfer-encoding|upgrade)$/i;
/** The same behind white space: somebody else may read it as a line of its own. */
const HIDDEN_FIELD = /^[ \t]*(?:connection|content-length|host|transfer-encoding)[ \t]*:/i;

/**
 * @param head from the request line to the empty line, both included
 * @param authority what a Host field would have said: where the client connected to
 */
export function repairHead(head: Buffer, tolerances: ReadonlySet<Tolerance>, authority: string): RepairedHead {
  const asItIs: RepairedHead = { bytes: head, framing: 'unknown', repaired: [] };
  const repaired: Tolerance[] = [];
  const lines = linesOf(head.toString('latin1'));
  if (lines === null) return asItIs;
  if (lines.bareLf) repaired.push('bare-lf');
  const request = REQUEST_LINE.exec(lines.texts[0] ?? '');
  if (request === null) return asItIs;
  const [, method = '', rawTarget = '', version = ''] = request;
  const target = repairTarget(rawTarget);
  if (target === null) return asItIs;
  if (target !== rawTarget) repaired.push('raw-target');
  const fields = unfold(lines.texts.slice(1), repaired);
  if (fields === null) return asItIs;
  if (version === 'HTTP/1.1' && !fields.some(({ name }) => name.toLowerCase() === 'host')) {
    fields.unshift({ name: 'Host', value: ` ${authority}` });
    repaired.push('missing-host');
  }
  if (repaired.some((kind) => !tolerances.has(kind))) return asItIs;
  const framing = method === 'CONNECT' ? 'unknown' : framingOf(fields, version);
  if (repaired.length === 0) return { ...asItIs, framing };
  const text = [`${method} ${target} ${version}`, ...fields.map(({ name, value }) => `${name}:${value}`), '', ''];
  return { bytes: Buffer.from(text.join('\r\n'), 'latin1'), framing, repaired };
}

/** Without their ends. null: a head whose lines end in different ways may be two heads to two readers. */
function linesOf(text: string): { texts: string[]; bareLf: boolean } | null {
  const texts = text.split('\n');
  // Behind the empty line.
  texts.pop();
  const withCr = texts.filter((line) => line.endsWith('\r')).length;
  if (withCr !== 0 && withCr !== texts.length) return null;
  const stripped = withCr === 0 ? texts : texts.map((line) => line.slice(0, -1));
  if (stripped.some((line) => line.includes('\r'))) return null;
  stripped.pop();
  return { texts: stripped, bareLf: withCr === 0 };
}

/** Percent-encoded where it holds raw spaces or UTF-8; null: it can't be repaired. */
function repairTarget(target: string): string | null {
  if (PLAIN_TARGET.test(target)) return target;
  const bytes = Buffer.from(target, 'latin1');
  if (!RAW_TARGET.test(target) || !isUtf8(bytes)) return null;
  return target.replace(
    /[^\x21-\x7e]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** Folded lines as one (RFC 9112 section 5.2); null: they can't be repaired, or there is no field. */
function unfold(texts: readonly string[], repaired: Tolerance[]): Line[] | null {
  const fields: Line[] = [];
  for (const text of texts) {
    const last = fields.at(-1);
    if (/^[ \t]/.test(text)) {
      if (last === undefined || NEVER_FOLDED.test(last.name) || HIDDEN_FIELD.test(text)) return null;
      last.value = `${last.value.replace(/[ \t]+$/, '')} ${text.replace(/^[ \t]+/, '')}`;
      if (!repaired.includes('obs-fold')) repaired.push('obs-fold');
      continue;
    }
    const field = FIELD_LINE.exec(text);
    if (field === null) return null;
    fields.push({ name: field[1] ?? '', value: field[2] ?? '' });
  }
  return fields;
}

function framingOf(fields: readonly Line[], version: string): BodyFraming {
  const valuesOf = (name: string): string[] =>
    fields.filter((field) => field.name.toLowerCase() === name).map(({ value }) => value.trim());
  const options = valuesOf('connection').flatMap(listTokens);
  const lengths = valuesOf('content-length');
  const codings = valuesOf('transfer-encoding');
  // Behind such a request no other follows.
  if (options.includes('close') || (options.includes('upgrade') && valuesOf('upgrade').length > 0)) return 'unknown';
  if (lengths.length + codings.length > 1) return 'unknown';
  if (codings.length === 1)
    return version === 'HTTP/1.1' && codings[0]?.toLowerCase() === 'chunked' ? 'chunked' : 'unknown';
  const [length = '0'] = lengths;
  return /^[0-9]{1,15}$/.test(length) ? Number(length) : 'unknown';
}
