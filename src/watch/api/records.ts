/** `/api/records`: what is kept, as it may be shown. */
import { type Request, type Response, Router } from 'express';
import { validate } from 'uuid';
import type { KeptRecord } from '../../record/states.ts';
import { methodNotAllowed, Problem } from './problem.ts';
import { parseRecordsQuery } from './query.ts';
import type { ReadingRoom } from './reading-room.ts';
import type { RecordsFilter, RecordsSource, ToRecord } from './records-source.ts';
import { sendRecord } from './send-record.ts';

export interface RecordsRoutes {
  /** null while the spool isn't there. */
  readonly records: () => RecordsSource | null;
  readonly toRecord: ToRecord;
  /** A body of more bytes is left out of the answer (`body_omitted`). */
  readonly maxBodyBytes: number;
  readonly room: ReadingRoom;
}

/** A page ends with the record that takes it over this: heads, and answers that were kept, may be 100 KiB each. */
const PAGE_BYTES = 4 * 1024 * 1024;
/** Of one record in a list, with room to spare. */
const HEAD_BYTES = 8 * 1024;
/** Records that are looked up at a time. */
const STEP = 50;
/** The thread that reads commits records, too: what took longer is paid back before the next. */
const LONG_READ_MS = 20;

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
async function listRecords(request: Request, response: Response, options: RecordsRoutes): Promise<void> {
  const filter = parseRecordsQuery(request.url.split('?', 2)[1] ?? '');
  source(options);
  const leave = await options.room.enter(Math.min(PAGE_BYTES, filter.limit * HEAD_BYTES));
  response.on('close', leave);
  if (response.destroyed) return leave();
  const { records, next } = pageOf(filter, options);
  response.type('json').send(`{"records":[${records.join(',')}],"next":${JSON.stringify(next)}}`);
}

/** Each as JSON. `next`: null when there are no more. */
function pageOf(filter: RecordsFilter, options: RecordsRoutes): { records: string[]; next: string | null } {
  const records: string[] = [];
  let bytes = 0;
  let { beforeSeq } = filter;
  for (;;) {
    // One more than asked for tells whether there is a next page.
    const limit = Math.min(STEP, filter.limit - records.length + 1);
    const found = source(options).list({ ...filter, beforeSeq, limit });
    for (const record of found) {
      if (records.length === filter.limit || bytes > PAGE_BYTES) return { records, next: String(beforeSeq ?? '') };
      const text = JSON.stringify(present(record, null, options));
      records.push(text);
      bytes += text.length;
      beforeSeq = record.seq;
    }
    if (found.length < limit) return { records, next: null };
  }
}

async function showRecord(id: string, response: Response, options: RecordsRoutes): Promise<void> {
  if (!validate(id)) throw new Problem(400, 'an id is a UUID, 0199c3a1-0000-7000-8000-000000000001 for example');
  const records = source(options);
  const record = records.get(id.toLowerCase());
  if (record === null) throw new Problem(404, `no record ${id.toLowerCase()}: released ones are kept for spool.keep`);
  if (record.storedBytes > options.maxBodyBytes) return void response.json(present(record, null, options));
  const leave = await options.room.enter(record.storedBytes);
  const began = performance.now();
  let tookMs = 0;
  try {
    if (response.destroyed) return;
    const shown = present(record, source(options).body(record), options);
    tookMs = performance.now() - began;
    await sendRecord(response, shown);
  } finally {
    if (tookMs < LONG_READ_MS) leave();
    else setTimeout(leave, tookMs);
  }
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
