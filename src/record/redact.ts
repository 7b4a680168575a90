/** Takes secrets out of everything that leaves the process, and with `keepOriginal: false` of what is stored. */
import type { Attempt, Capture, CapturedResponse, RawHeaders } from '../exchange.ts';
import { redactBody } from './redact-body.ts';
import { BUDGET_MS, withinBudget } from './redact-budget.ts';
import { redactPairs } from './redact-pairs.ts';
import { type Found, REDACTED, type RedactRules, type RedactSettings, redactRules } from './redact-rules.ts';

export { REDACTED } from './redact-rules.ts';

export interface Redacted<T> {
  readonly value: T;
  /** Where something was taken out, each place once: `headers.authorization`, `query.token`, `body.user.password`. */
  readonly paths: readonly string[];
}

export interface RedactedBody extends Redacted<Uint8Array> {
  /** It could not be looked into: `value` is empty, `paths` is `['body']`. */
  readonly withheld: boolean;
}

export interface Redactor {
  /** Values of secret names whole, of others what looks like a secret. Names and order stay. */
  headers(rawHeaders: RawHeaders): Redacted<RawHeaders>;
  /** A path, or a URL, with its query. */
  uri(uri: string): Redacted<string>;
  /** `contentType`: the value of the field, those of several joined by `, `. */
  body(
    bytes: Uint8Array,
    contentType: string,
    more?: { readonly contentEncoding?: string; readonly truncated?: boolean },
  ): RedactedBody;
  /** A message, a URL, any line: credentials in URLs, `name=value` of secret names, values of secret form. */
  text(text: string): string;
}

/** More places than that are not listed one by one. */
const MAX_PATHS = 200;
const MAX_PATH = 200;

/** `budgetMs`: what a body may cost, of this thread's time. */
export function createRedactor(settings: RedactSettings, budgetMs = BUDGET_MS): Redactor {
  const rules = redactRules(settings);
  return {
    text: rules.text,
    headers: (rawHeaders) => collect((found) => redactHeaders(rawHeaders, rules, found)),
    uri: (uri) =>
      collect((found) => {
        const question = uri.indexOf('?');
        const path = question < 0 ? uri : uri.slice(0, question);
        const shown = rules.text(path);
        if (shown !== path) found('path');
        return question < 0 ? shown : `${shown}?${redactPairs(uri.slice(question + 1), rules, 'query', found)}`;
      }),
    body: (bytes, contentType, { contentEncoding = '', truncated = false } = {}) => {
      const { value, paths } = collect((found) =>
        withinBudget(bytes.length, budgetMs, () =>
          redactBody(bytes, { contentType, contentEncoding, truncated }, rules, 'body', found),
        ),
      );
      if (value === null) return { value: new Uint8Array(0), paths: ['body'], withheld: true };
      return { value, paths, withheld: false };
    },
  };
}

function redactHeaders(rawHeaders: RawHeaders, rules: RedactRules, found: Found): RawHeaders {
  const shown: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const value = rawHeaders[i + 1] ?? '';
    const isSecret = value !== '' && rules.isSecretHeader(name);
    const shownName = rules.isPlainName(name) ? name : rules.values(name);
    const shownValue = isSecret ? REDACTED : rules.text(value);
    if (isSecret || shownName !== name || shownValue !== value) found(`headers.${shownName.toLowerCase()}`);
    shown.push(shownName, shownValue);
  }
  return shown;
}

/**
 * A capture without its secrets, for `keepOriginal: false`: before anything of it is written. A body that can't be
 * looked into, or lies in a file already, is not kept: the record is then partial. The caller drops that file.
 */
export function redactCapture(capture: Capture, redactor: Redactor): Capture {
  const { head, response, attempts, body } = capture;
  const headers = redactor.headers(head.rawHeaders);
  const uri = redactor.uri(head.uri);
  const copy = body.kind === 'memory' ? redactContent(body.bytes, head.rawHeaders, body.truncated, redactor) : null;
  const answer = response && redactResponse(response, redactor);
  const texts = redactTexts(capture, redactor);
  const bytes = copy?.value ?? new Uint8Array(0);
  const isWhole = copy !== null && !copy.withheld;
  const bodyPaths = copy?.paths ?? ['body'];
  return {
    ...capture,
    ...texts.value,
    head: { ...head, uri: uri.value, rawHeaders: headers.value },
    body: {
      kind: 'memory',
      bytes,
      truncated: body.truncated || !isWhole,
      totalBytes: isWhole && !body.truncated ? bytes.length : body.totalBytes,
    },
    attempts: redactAttempts(attempts, redactor),
    response: answer?.value ?? null,
    redacted: [...headers.paths, ...uri.paths, ...bodyPaths, ...texts.paths, ...(answer?.paths ?? [])],
  };
}

/** A body by the fields that describe it. */
export function redactContent(
  bytes: Uint8Array,
  rawHeaders: RawHeaders,
  truncated: boolean,
  redactor: Redactor,
): RedactedBody {
  const contentEncoding = fieldValue(rawHeaders, 'content-encoding');
  return redactor.body(bytes, fieldValue(rawHeaders, 'content-type'), { contentEncoding, truncated });
}

/** The kept answer; its places are named `response.…`. */
export function redactResponse(response: CapturedResponse, redactor: Redactor): Redacted<CapturedResponse> {
  const headers = redactor.headers(response.rawHeaders);
  const body = redactContent(response.body, response.rawHeaders, response.truncated, redactor);
  const paths = [...headers.paths, ...body.paths].map((path) => `response.${path}`);
  return { value: { ...response, rawHeaders: headers.value, body: body.value }, paths };
}

export function redactAttempts(attempts: readonly Attempt[], redactor: Redactor): Attempt[] {
  return attempts.map((attempt) => ({ ...attempt, url: redactor.uri(attempt.url).value }));
}

type Texts = Pick<Capture, 'backendUrl' | 'errorReason'>;

export function redactTexts({ backendUrl, errorReason }: Texts, redactor: Redactor): Redacted<Texts> {
  const value = { backendUrl: redactor.uri(backendUrl).value, errorReason: redactor.text(errorReason) };
  const paths = [
    ...(value.backendUrl === backendUrl ? [] : ['backend_url']),
    ...(value.errorReason === errorReason ? [] : ['error_reason']),
  ];
  return { value, paths };
}

/** Values of all fields of that name, joined by `, ` (RFC 9110 section 5.3); '' without. */
function fieldValue(rawHeaders: RawHeaders, name: string): string {
  let joined: string | null = null;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const field = rawHeaders[i] ?? '';
    if (field.length !== name.length || field.toLowerCase() !== name) continue;
    const value = rawHeaders[i + 1] ?? '';
    joined = joined === null ? value : `${joined}, ${value}`;
  }
  return joined ?? '';
}

function collect<T>(work: (found: Found) => T): Redacted<T> {
  let paths: Set<string> | null = null;
  const value = work((path) => {
    paths ??= new Set();
    if (paths.size < MAX_PATHS) paths.add(path.slice(0, MAX_PATH));
    else paths.add('…');
  });
  return { value, paths: paths === null ? NOWHERE : [...paths] };
}

const NOWHERE: readonly string[] = [];
