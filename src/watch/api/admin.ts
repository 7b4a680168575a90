/** The admin API as one Express application. Loaded when the admin listener starts, never by the path. */
import express, { type Express } from 'express';
import type { Settings } from '../../settings.ts';
import { ledgerDifference } from '../source-series.ts';
import type { SpoolStats, Verification } from '../sources.ts';
import { maskSettings } from './mask.ts';
import { checkHost, checkOrigin } from './origin.ts';
import { answerProblems, methodNotAllowed, notFound, Problem } from './problem.ts';
import { ReadingRoom } from './reading-room.ts';
import { createRecordsRouter } from './records.ts';
import type { RecordsSource, ToRecord } from './records-source.ts';
import { requireReader, type TokenFiles } from './tokens.ts';

export interface AdminOptions {
  /** The setting `admin.address`: its host is one that requests may name. */
  readonly address: string;
  readonly tokens: TokenFiles;
  /** null while the spool isn't there (answered 503). */
  readonly records: () => RecordsSource | null;
  readonly spool: () => SpoolStats | null;
  /** Counts every row anew; null while the spool isn't there. */
  readonly verify: () => Verification | null;
  readonly settings: () => Settings;
  readonly toRecord: ToRecord;
  /** Faults of ours, for the log. */
  readonly report: (error: unknown) => void;
  /** A larger body is left out of `GET /api/records/:id`; 64 MiB, the default of `capture.body`, unless given. */
  readonly maxBodyBytes?: number;
}

const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** Of `limits.bufferBytes`, for all records that are being read. */
const READING_SHARE = 4;
/** Of a request to the API itself: filters and lists of ids. */
const MAX_REQUEST_BYTES = 64 * 1024;

export function createAdminApp(options: AdminOptions): Express {
  const { records, toRecord, maxBodyBytes = MAX_BODY_BYTES } = options;
  const app = express();
  app.disable('x-powered-by').disable('etag').enable('case sensitive routing');
  app.use((_request, response, next) => {
    response.set({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    next();
  });
  // First who asks, then what for: a stranger learns nothing, not even which paths there are.
  app.use(checkHost(options.address), checkOrigin, requireReader(options.tokens));
  app.use(express.json({ limit: MAX_REQUEST_BYTES }));
  const room = new ReadingRoom(() => options.settings().process.limits.bufferBytes / READING_SHARE);
  app.use('/api/records', createRecordsRouter({ records, toRecord, maxBodyBytes, room }));
  app
    .route('/api/ledger')
    .get((request, response) => void response.json(answerLedger(request.url, options)))
    .all(methodNotAllowed('GET, HEAD'));
  app
    .route('/api/config')
    .get((_request, response) => void response.json(maskSettings(options.settings())))
    .all(methodNotAllowed('GET, HEAD'));
  app.use(notFound, answerProblems(options.report));
  return app;
}

/** `?verify=true` counts every row and compares with the second count. */
function answerLedger(url: string, { spool, verify }: AdminOptions): object {
  const query = new URLSearchParams(url.split('?', 2)[1] ?? '');
  for (const [name, value] of query) {
    if (name !== 'verify' || (value !== 'true' && value !== 'false'))
      throw new Problem(400, `${name}=${value}: the ledger knows verify=true and verify=false`);
  }
  const stats = spool();
  if (stats === null) throw new Problem(503, 'the spool is not available, and the ledger with it');
  const verification = query.get('verify') === 'true' ? verify() : null;
  if (verification === null) {
    return { captured: stats.captured, states: stats.records, lost: stats.lost, difference: ledgerDifference(stats) };
  }
  const { captured, states, difference, claimed, secondCount, agrees } = verification;
  return { captured, states, lost: stats.lost, difference, verified: { claimed, secondCount, agrees } };
}
