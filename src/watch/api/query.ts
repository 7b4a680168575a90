/** The query of `GET /api/records`: checked wholly, every mistake named. */
import type { Reason } from '../../exchange.ts';
import type { MirrorState, State } from '../../record/states.ts';
import { isMirror, isReason, isState, MIRRORS, REASONS, STATES } from '../labels.ts';
import { Problem } from './problem.ts';
import type { RecordsFilter } from './records-source.ts';

export const DEFAULT_LIMIT = 100;
export const MAX_LIMIT = 1_000;

const NAMES = ['state', 'mirror', 'rule', 'target', 'reason', 'since', 'limit', 'cursor'] as const;
type Name = (typeof NAMES)[number];
const isName = (text: string): text is Name => NAMES.some((name) => name === text);

const UNIT_SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 };

/** `search`: what stands after the `?`. `now`: epoch seconds. Throws Problem 400 naming parameter and what is allowed. */
export function parseRecordsQuery(search: string, now = Date.now() / 1_000): RecordsFilter {
  const given = new Map<Name, string>();
  for (const [name, value] of new URLSearchParams(search)) {
    if (!isName(name)) throw new Problem(400, `no parameter "${name}"; there are ${NAMES.join(', ')}`);
    if (given.has(name)) throw new Problem(400, `${name} is given twice`);
    given.set(name, value);
  }
  const parse = <T>(name: Name, fallback: T, read: (text: string) => T): T => {
    const text = given.get(name) ?? '';
    return text === '' ? fallback : read(text);
  };
  return {
    state: parse<State | null>('state', null, parseState),
    mirror: parse<MirrorState | null>('mirror', null, parseMirror),
    rule: parse<string | null>('rule', null, (text) => text),
    target: parse<string | null>('target', null, (text) => text),
    reason: parse<Reason | null>('reason', null, parseReason),
    since: parse<number | null>('since', null, (text) => parseSince(text, now)),
    beforeSeq: parse<number | null>('cursor', null, (text) => parseCount('cursor', text, Number.MAX_SAFE_INTEGER)),
    limit: parse('limit', DEFAULT_LIMIT, (text) => Math.max(1, parseCount('limit', text, MAX_LIMIT))),
  };
}

function parseState(text: string): State {
  if (isState(text)) return text;
  throw new Problem(400, `state is one of ${STATES.join(', ')}, not ${JSON.stringify(text)}`);
}

function parseMirror(text: string): MirrorState {
  if (isMirror(text)) return text;
  throw new Problem(400, `mirror is one of ${MIRRORS.join(', ')}, not ${JSON.stringify(text)}`);
}

function parseReason(text: string): Reason {
  if (isReason(text)) return text;
  throw new Problem(400, `reason is one of ${REASONS.join(', ')}, not ${JSON.stringify(text)}`);
}

/** Epoch seconds from themselves, from a time (RFC 3339), or from how long ago that is (`90s`, `1h`, `7d`). */
function parseSince(text: string, now: number): number {
  const ago = /^([0-9]{1,9})(ms|s|m|h|d)$/.exec(text);
  if (ago !== null) return now - Number(ago[1]) * (UNIT_SECONDS[ago[2] ?? ''] ?? 0);
  if (/^[0-9]{1,12}(?:\.[0-9]{1,9})?$/.test(text)) return Number(text);
  const at = /^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2}))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (!Number.isNaN(at)) return at / 1_000;
  throw new Problem(
    400,
    `since is a time (2024-05-01T10:00:00Z), epoch seconds, or a duration (1h), not ${JSON.stringify(text)}`,
  );
}

function parseCount(name: Name, text: string, max: number): number {
  const count = Number(text);
  if (/^[0-9]{1,16}$/.test(text) && count <= max) return count;
  throw new Problem(400, `${name} is a number up to ${max}, not ${JSON.stringify(text)}`);
}
