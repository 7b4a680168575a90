/** One record of an older database, made anew for the spool that runs: sealed with its key, its body taken along. */

import { join } from 'node:path';
import { stateFrom } from './ledger.ts';
import type { StoredBody } from './spool-bodies.ts';
import { faultOf } from './spool-error.ts';
import { removeFile } from './spool-folder.ts';
import type { SpoolParts } from './spool-open.ts';
import { decodePayload, encodePayload, type Payload } from './spool-payload.ts';
import type { NewRow, SealedRow } from './spool-rows.ts';
import type { SpoolSource } from './spool-source.ts';

export interface MovedRow {
  /** null: it is here already, from before a crash. */
  readonly row: NewRow | null;
  /** After the commit: what the source need not keep any more. */
  readonly dropSource: () => void;
}

interface TakenBody {
  readonly inline: Uint8Array | null;
  readonly file: StoredBody | null;
  readonly readable: boolean;
}

const EMPTY = new Uint8Array(0);
const NO_BODY: TakenBody = { inline: null, file: null, readable: true };
const UNREADABLE: TakenBody = { inline: null, file: null, readable: false };

/** null: its head can't be read. Throws SpoolError when it is our own disk that fails. */
export function moveRow(
  source: SpoolSource,
  row: SealedRow,
  parts: SpoolParts,
  takeSeq: () => number,
): MovedRow | null {
  const { id } = row;
  const payload = tryRead(() => decodePayload(source.head(row)));
  if (payload === null) return null;
  const old = payload.bodyFile === null ? null : join(source.paths.bodies, payload.bodyFile);
  const dropSource = (): void => {
    if (old !== null) removeFile(old);
  };
  if (parts.rows.committed(id) !== null) return { row: null, dropSource };
  const body = takeBody(source, row, payload, parts);
  const seq = takeSeq();
  return {
    row: rowFrom(source, row, payload, body, seq, parts),
    dropSource: body.readable ? dropSource : () => undefined,
  };
}

function rowFrom(
  source: SpoolSource,
  { id, state, mirror, mirrorReason, keptAt, ...plain }: SealedRow,
  { head, storedBytes, ...sealed }: Payload,
  { inline, file, readable }: TakenBody,
  seq: number,
  { seals, time }: SpoolParts,
): NewRow {
  const bytes = readable ? storedBytes : 0;
  const totalBytes = sealed.totalBytes ?? plain.totalBytes;
  const truncated = (sealed.truncated ?? plain.truncated) || !readable;
  const payload = encodePayload({ head, bodyFile: file?.name ?? null, storedBytes: bytes, totalBytes, truncated });
  const kept = readable
    ? ({ state: stateFrom(state) ?? 'quarantined', mirror: mirrorFrom(mirror), mirrorReason } as const)
    : ({ state: 'quarantined', mirror: 'parked', mirrorReason: BODY_LOST } as const);
  return {
    ...kept,
    ...{ seq, head, storedBytes: bytes, totalBytes, truncated, epoch: seals.epoch },
    // As old as it was there.
    keptAt: time.now() - Math.max(0, source.elapsed - keptAt),
    bodyFile: file?.name ?? null,
    fileBytes: file?.fileBytes ?? 0,
    sealedHead: seals.sealHead(seq, id, payload),
    sealedBody: inline === null || inline.length === 0 ? null : seals.sealBody(seq, id, inline),
  };
}

const BODY_LOST = "its body can't be read any more";

function takeBody(source: SpoolSource, row: SealedRow, payload: Payload, { bodies }: SpoolParts): TakenBody {
  const { bodyFile, storedBytes } = payload;
  if (bodyFile !== null) {
    const file = bodies.takeOver(source.paths.bodies, bodyFile, storedBytes, source.sealer);
    return file === null ? UNREADABLE : { inline: null, file, readable: true };
  }
  if (storedBytes === 0) return NO_BODY;
  const inline = tryRead(() => source.inlineBody(row) ?? EMPTY);
  return inline === null || inline.length !== storedBytes ? UNREADABLE : { inline, file: null, readable: true };
}

const mirrorFrom = (text: string): NewRow['mirror'] =>
  text === 'waiting' || text === 'mirrored' || text === 'parked' ? text : 'none';

/** null for what is damaged; anything else is thrown. */
function tryRead<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    const fault = faultOf(error);
    if (fault === 'corrupt' || fault === 'io') return null;
    throw error;
  }
}
