/** `/api/records`: what is kept, as it may be shown. */
import { type Request, type Response, Router } from 'express';
import { validate } from 'uuid';
import type { KeptRecord } from '../../record/states.ts';
import { methodNotAllowed, Problem } from './problem.ts';
import { parseRecordsQuery } from './query.ts';
import type { RecordsSource, ToRecord } from './records-source.ts';

export interface RecordsRoutes {
  /** null while the spool isn't there. */
  readonly records: () => RecordsSource | null;
  readonly toRecord: ToRecord;
  /** A body of more bytes is left out of the answer (`body_omitted`). */
  readonly maxBodyBytes: number;
}

export function createRecordsRouter(options: RecordsRoutes): Router {
  const router = Router({ caseSensitive: true });
  router
    .route('/')
    .get((request, response) => listRecords(request, response, options))
    .all(methodNotAllowed('GET, HEAD'));
  router
    .route('/:id')
    .get((request, response) => showRecord(request.params.id, response, options))
    .all(methodNotAllowed('GET, HEAD'));
  return router;
}

/** Records without their bodies: a page of them must not be a gigabyte. */
function listRecords(request: Request, response: Response, options: RecordsRoutes): void {
  const filter = parseRecordsQuery(request.url.split('?', 2)[1] ?? '');
  // One more than asked for tells whether there is a next page.
  const found = source(options).list({ ...filter, limit: filter.limit + 1 });
  const page = found.slice(0, filter.limit);
  const next = found.length > page.length ? String(page.at(-1)?.seq ?? '') : null;
  response.json({ records: page.map((record) => present(record, null, options)), next });
}

function showRecord(id: string, response: Response, options: RecordsRoutes): void {
  if (!validate(id)) throw new Problem(400, 'an id is a UUID, 0199c3a1-0000-7000-8000-000000000001 for example');
  const records = source(options);
  const record = records.get(id.toLowerCase());
  if (record === null) throw new Problem(404, `no record ${id.toLowerCase()}: released ones are kept for spool.keep`);
  const body = record.storedBytes > options.maxBodyBytes ? null : records.body(record);
  response.json(present(record, body, options));
}

function source({ records }: RecordsRoutes): RecordsSource {
  const found = records();
  if (found === null)
    throw new Problem(503, 'the spool is not available; /readyz?verbose on the metrics port says why');
  return found;
}

function present(record: KeptRecord, body: Uint8Array | null, { toRecord }: RecordsRoutes): object {
  const { state, mirror, mirrorReason } = record;
  return { ...toRecord(record, body), state, mirror, ...(mirrorReason === '' ? {} : { mirror_reason: mirrorReason }) };
}
