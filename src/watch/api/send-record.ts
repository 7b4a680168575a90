/** One record on its way to its reader, in pieces: its body may be 64 MiB, and as one text of JSON that twice more. */
import type { Response } from 'express';

/** Characters of a body in one write. */
const PIECE = 64 * 1024;
/** A reader that takes nothing of a piece for so long is cut. */
const PIECE_MS = 30_000;

/** The fields in their order, those behind the body after it. Resolves when all has left or the reader is gone. */
export async function sendRecord(response: Response, record: object): Promise<void> {
  const fields = Object.entries(record);
  const at = fields.findIndex(([name]) => name === 'body');
  const body: unknown = fields[at]?.[1];
  if (typeof body !== 'string' || body.length <= PIECE) {
    response.json(record);
    return;
  }
  const before = JSON.stringify(Object.fromEntries(fields.slice(0, at)));
  const after = JSON.stringify(Object.fromEntries(fields.slice(at + 1)));
  response.type('json');
  response.write(`${before.slice(0, -1)}${at === 0 ? '' : ','}"body":"`);
  for (let from = 0; from < body.length && !response.destroyed; from += PIECE) {
    // A pair of surrogates that is cut in two becomes two escapes, which are read as the pair again.
    await write(response, JSON.stringify(body.slice(from, from + PIECE)).slice(1, -1));
  }
  response.end(`"${after === '{}' ? '' : ','}${after.slice(1)}`);
}

/** Resolves when more may follow, or nobody reads any more. */
function write(response: Response, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed || response.write(text)) return resolve();
    const tooSlow = setTimeout(() => response.destroy(), PIECE_MS);
    const done = (): void => {
      clearTimeout(tooSlow);
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
