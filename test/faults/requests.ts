/** What is asked: every request is made from its number and the run's seed, so that nothing of it has to be kept. */
import { randomFrom } from '../dispatch/fixtures.ts';
import { generateBytes } from '../e2e/data.ts';

/** How the target that a request goes to behaves. */
export type Kind = 'healthy' | 'slow' | 'refuse' | 'status' | 'accept' | 'reset' | 'cut' | 'hang' | 'garbage' | 'quit';

/** `live` goes to targets that are well, `fail` to those that aren't. */
export type Lane = 'live' | 'fail';

export interface Request {
  readonly lane: Lane;
  readonly n: number;
  readonly kind: Kind;
  readonly body: Buffer;
}

const FAILING: readonly (readonly [kind: Kind, weight: number])[] = [
  ['refuse', 40],
  ['status', 24],
  ['accept', 12],
  ['reset', 10],
  ['cut', 6],
  ['garbage', 3],
  ['hang', 3],
  ['quit', 2],
];

/** Bodies above it are files while the request lives, and in the spool. */
export const MEMORY_COPY = 64 * 1024;
const LARGEST = 300 * 1024;

export function requestOf(seed: number, lane: Lane, n: number): Request {
  const random = randomFrom(seedOf(seed, lane, n));
  const kind = lane === 'fail' ? pick(random() * 100) : random() < 0.01 ? 'slow' : 'healthy';
  const body = generateBytes(seedOf(seed, lane, n), sizeOf(random));
  // Random bytes that begin like UTF-16 are text that can't be looked into for secrets, and would be withheld.
  if (body.length > 0) body[0] = 0x23;
  return { lane, n, kind, body };
}

/** Apart for each lane, and for no two numbers of it the same. */
const seedOf = (seed: number, lane: Lane, n: number): number => seed + n * 2 + (lane === 'live' ? 1 : 0);

function pick(at: number): Kind {
  let edge = 0;
  for (const [kind, weight] of FAILING) {
    edge += weight;
    if (at < edge) return kind;
  }
  return 'refuse';
}

/** Nothing at all, small ones, the border between memory and file, files, and some that are too large for Kafka. */
function sizeOf(random: () => number): number {
  const which = random();
  if (which < 0.05) return 0;
  if (which < 0.94) return Math.floor(random() * 2_000);
  if (which < 0.97) return MEMORY_COPY - 1 + Math.floor(random() * 3);
  return MEMORY_COPY + Math.floor(random() ** 3 * (LARGEST - MEMORY_COPY));
}

export function bytesOf({ lane, n, kind, body }: Request): Buffer {
  const head = [
    `POST /${lane}/${n} HTTP/1.1`,
    'Host: app',
    `To: ${kind === 'quit' ? 'hang' : kind}`,
    'Content-Type: application/octet-stream',
    `Content-Length: ${body.length}`,
  ].join('\r\n');
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body]);
}

/** Lane and number of a record's request; null: not one of ours. */
export function requestFromUri(uri: string): { readonly lane: Lane; readonly n: number } | null {
  const match = /^\/(live|fail)\/(\d+)$/.exec(uri);
  if (match === null) return null;
  return { lane: match[1] === 'live' ? 'live' : 'fail', n: Number(match[2]) };
}
