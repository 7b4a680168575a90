/** Spools as files in memory: to be damaged in every way, written down and opened. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Spool, SpoolError } from '../../src/record/spool.ts';
import type { KeptRecord } from '../../src/record/states.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { openSpool, sha256 } from './spool-fixtures.ts';

/** Name below the spool's folder, and content. */
export type Image = ReadonlyMap<string, Buffer>;

/** Of a spool that is open: what a kill would leave. */
export function imageOf(spool: Spool): Image {
  const names = readdirSync(spool.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    names.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(spool.folder.length + 1), readFileSync(path)];
    }),
  );
}

/** The same image with another file, or without it. */
export function withFile(image: Image, name: string, content: Buffer | null): Image {
  const changed = new Map(image);
  if (content === null) changed.delete(name);
  else changed.set(name, content);
  return changed;
}

export function writeImage(image: Image, path = temporaryFolder({ inMemory: true })): string {
  for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true, force: true });
  for (const [name, content] of image) {
    const file = join(path, 'pod-1', name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, content);
  }
  return path;
}

/** What a record holds, as something to compare: its head whole, and the digest of its body. */
export function contentOf(spool: Spool, record: KeptRecord): string {
  const { head, totalBytes, truncated } = record;
  return JSON.stringify({ head, totalBytes, truncated, sha: sha256(spool.readBody(record)) });
}

export function contentsOf(spool: Spool): Map<string, string> {
  return new Map(spool.list({ limit: 1000 }).map((record) => [record.id, contentOf(spool, record)]));
}

/** What was seen of a damaged spool. */
export interface Found {
  /** Records that were shown as something else than what was kept: never allowed. */
  readonly wrong: readonly string[];
  /** Ids that are neither read nor given to the mirror. */
  readonly missing: readonly string[];
  /** Whatever tells a person: an error, a warning, a quarantined record, a ledger that does not add up. */
  readonly told: readonly string[];
}

/** A spool that failed is opened again, as the keeper does. */
const OPENINGS = 3;

/** Opens a damaged image, and reads all there is, as upkeep, API and mirror do. */
export function lookInto(path: string, truth: ReadonlyMap<string, string>): Found {
  const told: string[] = [];
  const wrong: string[] = [];
  let seen = new Set<string>();
  for (let opening = 0; opening < OPENINGS; opening += 1) {
    seen = new Set();
    const spool = open(path, told);
    if (spool === null) break;
    for (const [id, content] of contentsGiven(spool, told)) {
      if (truth.get(id) === content) seen.add(id);
      else wrong.push(`${id}: ${content.slice(0, 200)}`);
    }
    close(spool, told);
    if (spool.fault === null) break;
  }
  return { wrong, missing: [...truth.keys()].filter((id) => !seen.has(id)), told };
}

function open(path: string, told: string[]): Spool | null {
  try {
    const spool = openSpool({ path, size: 8 << 20 });
    spool.onError = (error: SpoolError) => told.push(error.message);
    spool.onNews = (level, message) => void (level === 'error' && told.push(message));
    told.push(...spool.warnings);
    return spool;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'SpoolError') throw error;
    told.push(error.message);
    return null;
  }
}

function contentsGiven(spool: Spool, told: string[]): (readonly [id: string, content: string])[] {
  try {
    while (spool.moveSome() === 'moved');
    spool.maintain();
    const contents = given(spool, told).flatMap((record) => {
      const content = read(spool, record, told);
      return content === null ? [] : [[record.id, content] as const];
    });
    const { difference, states } = spool.ledger();
    if (difference !== 0) told.push(`the ledger differs by ${difference}`);
    if (states.quarantined > 0) told.push(`${states.quarantined} quarantined`);
    return contents;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'SpoolError') throw error;
    told.push(error.message);
    return [];
  }
}

/** Those that the mirror gets; all of the test's records wait for it. */
function given(spool: Spool, told: string[]): readonly KeptRecord[] {
  try {
    spool.list({ limit: 1000 });
    return spool.waiting(0, 1000);
  } catch (error) {
    told.push(String(error));
    return [];
  }
}

function read(spool: Spool, record: KeptRecord, told: string[]): string | null {
  if (record.state === 'quarantined') return null;
  try {
    return contentOf(spool, record);
  } catch (error) {
    told.push(String(error));
    return null;
  }
}

function close(spool: Spool, told: string[]): void {
  try {
    spool.close();
  } catch (error) {
    told.push(String(error));
  }
}
