/** Numbers of payment cards: digits as the issuers of ISO/IEC 7812 give them, whose last one checks the rest. */

const MARK = '[redacted]';
/** Digits with what people and forms write between the groups of a number; not the fraction of another number. */
const RUN = /[0-9](?<!(?:[0-9]|[0-9]\.)[0-9])(?:[ +\u00a0\u2009\u202f-]{0,2}[0-9]){11,}/g;
/** What each has: most texts have none. */
const DIGITS = /[0-9][0-9 +\u00a0\u2009\u202f-]{11}/;
const GROUP = /[0-9]+/g;
const POINTED = /(?<![0-9])[0-9]{4}([./_\\|])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?![0-9])/g;
const LONGEST = 19;
/** How numbers are printed on cards. */
const GROUPINGS: readonly (readonly number[])[] = [
  [4, 4, 4, 4, 3],
  [4, 4, 4, 4],
  [4, 6, 5],
  [4, 6, 4],
];

export function redactCards(text: string): string {
  if (text.length < 12) return text;
  const shown = DIGITS.test(text) ? text.replace(RUN, (run, at: number) => redactRun(run, at, text)) : text;
  if (!/[./_\\|][0-9]{4}[./_\\|]/.test(shown)) return shown;
  return shown.replace(POINTED, (run) => (isCardNumber(digitsOf(run)) ? MARK : run));
}

const digitsOf = (text: string): string => text.replace(/[^0-9]/g, '');

/** The whole of it, or groups in a row: another number may stand before it, or the month and year behind it. */
function redactRun(run: string, at: number, text: string): string {
  const isNumber = (from: number, to: number): boolean =>
    isCardNumber(digitsOf(run.slice(from, to))) && !isPartOfId(text, at + from, at + to);
  if (run.length <= LONGEST * 3 && isNumber(0, run.length)) return MARK;
  const ends: number[] = [];
  const starts: number[] = [];
  for (const group of run.matchAll(GROUP)) {
    starts.push(group.index);
    ends.push(group.index + group[0].length);
  }
  let shown = '';
  let copied = 0;
  for (let first = 0; first < starts.length; first += 1) {
    const from = starts[first] ?? 0;
    const last = lastsFrom(starts, ends, first).find((group) => isNumber(from, ends[group] ?? 0));
    if (last === undefined) continue;
    shown += run.slice(copied, from) + MARK;
    copied = ends[last] ?? 0;
    first = last;
  }
  return shown + run.slice(copied);
}

const NO_GROUPS: readonly number[] = [];

/** Indexes of groups with which a number may end that begins with group `first`. */
function lastsFrom(starts: readonly number[], ends: readonly number[], first: number): readonly number[] {
  const lengthOf = (group: number): number => (ends[group] ?? 0) - (starts[group] ?? 0);
  const length = lengthOf(first);
  if (length >= 12 && length <= LONGEST) return [first];
  if (length !== 4) return NO_GROUPS;
  return GROUPINGS.filter((lengths) => lengths.every((wanted, index) => lengthOf(first + index) === wanted)).map(
    (lengths) => first + lengths.length - 1,
  );
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
const DIGEST = /[0-9a-f]{32,}/gi;
const AROUND = 128;

/** Digits within a UUID or a hexadecimal digest are no number of a card. */
function isPartOfId(text: string, from: number, to: number): boolean {
  const start = Math.max(0, from - AROUND);
  const around = text.slice(start, to + AROUND);
  const covers = ({ 0: id, index }: RegExpExecArray): boolean =>
    index <= from - start && index + id.length >= to - start && /[a-f]/i.test(id);
  return [UUID, DIGEST].some((id) => Array.from(around.matchAll(id)).some(covers));
}

/** The start of a number at the end of a text that was cut off there. */
export const redactCutCard = (text: string): string =>
  text.replace(CUT, (run) => (isStart(digitsOf(run)) ? MARK : run));

const CUT = /(?<![0-9]|[0-9]\.)[0-9](?:[ -]?[0-9]){5,18}[ -]?$/;
const isStart = (digits: string): boolean => /^(?:[45]|2[2-7]|3[04-8]|6[0-57])/.test(digits);

/** Prefixes and lengths in use, so that numbers that only happen to add up stay. */
const ISSUERS = new RegExp(
  [
    '^(?:4(?:\\d{12}|\\d{15}|\\d{18})',
    '5[1-5]\\d{14}',
    '2(?:22[1-9]|2[3-9]\\d|[3-6]\\d\\d|7[01]\\d|720)\\d{12}',
    '3[47]\\d{13}',
    '(?:6011\\d{12}|65\\d{14}|64[4-9]\\d{13})',
    '3(?:0[0-5]|[68]\\d)\\d{11}',
    '35(?:2[89]|[3-8]\\d)\\d{12}',
    '(?:62|50|5[6-9]|6[37])\\d{14,17})$',
  ].join('|'),
);

const isCardNumber = (digits: string): boolean => ISSUERS.test(digits) && isLuhnValid(digits);

/** ISO/IEC 7812-1 annex B. */
function isLuhnValid(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
