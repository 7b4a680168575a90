import { type AdminOptions, getJson } from './admin-client.ts';
import type { CliContext } from './context.ts';
import { formatTable, printable, printableJson } from './table.ts';
import { CommandFailure } from './usage-error.ts';

/** What the API takes as a filter, under the same name. */
const FILTERS = ['state', 'mirror', 'rule', 'target', 'reason', 'since', 'limit', 'cursor'] as const;

export type RecordFilter = { readonly [filter in (typeof FILTERS)[number]]?: string | number };

interface Options extends AdminOptions, RecordFilter {
  readonly json?: boolean;
}

type ApiRecord = Readonly<Record<string, unknown>>;

/** One line a record, newest first. @throws CommandFailure when the API can't be asked */
export async function listRecords(options: Options, context: CliContext): Promise<number> {
  const page = await getJson(`/api/records?${toQuery(options)}`, options);
  const { records, next } = readPage(page);
  if (options.json === true) {
    context.out(printableJson({ records, next }));
    return 0;
  }
  const [header = '', ...lines] = formatTable([
    ['ID', 'TIME', 'STATE', 'MIRROR', 'RULE', 'TARGET', 'REASON', 'STATUS', 'REQUEST'],
    ...records.map(toRow),
  ]);
  context.out(context.style('bold', header));
  for (const line of lines) context.out(line);
  if (next !== null) context.err(`there are more: --cursor ${next}`);
  return 0;
}

/** One record: its JSON, or its facts and what was sent. @throws CommandFailure when there is none */
export async function showRecord(id: string, options: Options, context: CliContext): Promise<number> {
  const record = await getJson(`/api/records/${encodeURIComponent(id)}`, options);
  if (!isRecord(record)) throw new CommandFailure('the admin API answered something that is no record');
  if (options.json === true) context.out(printableJson(record));
  else for (const line of describeRecord(record)) context.out(line);
  return 0;
}

function toQuery(filter: RecordFilter): string {
  const query = new URLSearchParams();
  for (const name of FILTERS) {
    const value = filter[name];
    if (value !== undefined) query.set(name, String(value));
  }
  return query.toString();
}

function readPage(page: unknown): { records: ApiRecord[]; next: string | null } {
  if (!isRecord(page) || !Array.isArray(page.records)) {
    throw new CommandFailure('the admin API answered something that is no list of records');
  }
  const { next } = page;
  return { records: page.records.filter(isRecord), next: next === null || next === undefined ? null : String(next) };
}

function toRow(record: ApiRecord): string[] {
  const { id, state, mirror, rule, target, reason, method, uri } = record;
  const cells = [id, timeOf(record), state, mirror, rule, target, reason, statusOf(record), `${method} ${uri}`];
  return cells.map((cell) => String(cell ?? ''));
}

function describeRecord(record: ApiRecord): string[] {
  const facts = [
    'id',
    'state',
    'mirror',
    'mirror_reason',
    'rule',
    'target',
    'reason',
    'error_reason',
    'request_sent',
    'backend_url',
  ];
  const lines = formatTable([
    ...facts.map((fact) => [fact.replaceAll('_', ' '), String(record[fact] ?? '')]),
    ['time', timeOf(record)],
    ['status', statusOf(record)],
    ['body bytes', `${record.body_bytes ?? ''}${record.body_truncated === true ? ' (truncated)' : ''}`],
  ]);
  const headers = Array.isArray(record.raw_headers) ? record.raw_headers : Object.entries(record.headers ?? {});
  const fields = headers.map((field: unknown) => (Array.isArray(field) ? `${field[0]}: ${field[1]}` : String(field)));
  const body = String(record.body ?? '');
  return [...lines, '', `${record.method} ${record.uri}`, ...fields, '', ...body.split('\n')].map(printable);
}

/** ISO 8601, from epoch seconds. */
function timeOf({ timestamp }: ApiRecord): string {
  return typeof timestamp === 'number' ? new Date(timestamp * 1000).toISOString() : '';
}

function statusOf({ response }: ApiRecord): string {
  return isRecord(response) ? String(response.status ?? '') : '';
}

function isRecord(value: unknown): value is ApiRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
