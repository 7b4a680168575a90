/** The fields of a published record, which consumers of others rely on. */

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => Number.isFinite(value);
const isFlag: Check = (value) => typeof value === 'boolean';
const isList: Check = (value) => Array.isArray(value);
const isObject: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const oneOf =
  (...allowed: readonly unknown[]): Check =>
  (value) =>
    allowed.includes(value);

const REASONS = 'connect dns tls timeout reset protocol truncated overload status clientAbort'.split(' ');

const FIELDS: Readonly<Record<string, Check>> = {
  schema: oneOf(1),
  id: (value) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(String(value)),
  timestamp: (value) => isNumber(value) && Math.abs(Date.now() / 1000 - Number(value)) < 3600,
  method: isText,
  uri: isText,
  path: isText,
  query_string: isText,
  headers: isObject,
  body: isText,
  remote_addr: isText,
  backend_url: isText,
  error_reason: isText,
  raw_headers: (value) =>
    isList(value) && (value as unknown[][]).every((pair) => pair.length === 2 && pair.every(isText)),
  http_version: oneOf('1.0', '1.1'),
  body_encoding: oneOf('utf8', 'base64'),
  body_bytes: isNumber,
  body_sha256: (value) => /^[0-9a-f]{64}$/.test(String(value)),
  body_truncated: isFlag,
  body_omitted: isFlag,
  listener: isText,
  rule: isText,
  target: isText,
  reason: oneOf(...REASONS),
  request_sent: oneOf('no', 'partly', 'yes'),
  delivery: oneOf('inline'),
  redeliver: isFlag,
  attempts: (value) => isList(value) && (value as unknown[]).every(isAttempt),
  response: (value) => value === null || isObject(value),
  pod: (value) => hasFields(value, { name: isText, namespace: isText, node: isText }).length === 0,
  trace_id: isText,
  redacted: isList,
  sealed: (value) => value === null || isText(value),
};

const isAttempt: Check = (value) =>
  hasFields(value, {
    at: isNumber,
    url: isText,
    reason: (reason) => reason === null || REASONS.includes(String(reason)),
    status: (status) => status === null || isNumber(status),
    request_sent: oneOf('no', 'partly', 'yes'),
    ms: isNumber,
  }).length === 0;

/** What is wrong with a record's JSON, one sentence each; empty for a good one. */
export function mistakesInRecord(json: string): string[] {
  return hasFields(JSON.parse(json), FIELDS);
}

function hasFields(value: unknown, checks: Readonly<Record<string, Check>>): string[] {
  if (!isObject(value)) return [`${JSON.stringify(value)} is no object`];
  const fields = new Map(Object.entries(value as object));
  const wrong = Object.entries(checks).filter(([name, check]) => !check(fields.get(name)));
  const unknown = [...fields.keys()].filter((name) => !Object.hasOwn(checks, name));
  return [
    ...wrong.map(([name]) => `${name} is ${JSON.stringify(fields.get(name))}`),
    ...unknown.map((name) => `${name} is not in the format`),
  ];
}
