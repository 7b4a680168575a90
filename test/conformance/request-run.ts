/** The requests of the corpus through a real Outrider, in both splits, and what came of each. */
import { type Outrider, startOutrider } from '../helpers/outrider.ts';
import { waitFor } from '../helpers/wait.ts';
import type { Enforce, Message } from './corpus.ts';
import { exchange, inParallel, type Sent, type Split, splitsOf } from './raw-exchange.ts';
import { type RecordingTarget, startRecordingTarget } from './recording-target.ts';
import { type Judged, judgeRequest } from './request-oracle.ts';
import { readRequests } from './strict-request.ts';

export interface RequestResult extends Judged {
  readonly id: string;
  readonly enforce: Enforce;
  readonly split: Split;
  /** Sent with what completes it: many messages of the corpus end before their last line end. */
  readonly completed: boolean;
}

export interface RequestRun {
  readonly results: readonly RequestResult[];
  readonly canaries: { readonly sent: number; readonly good: number };
  /** What the target received that no request explains. */
  readonly unexplained: readonly string[];
}

interface Variant {
  readonly message: Message;
  readonly bytes: Buffer;
  readonly split: Split;
  readonly completed: boolean;
}

const LANES = 80;
const CANARY_EVERY = 20;
const CANARY = Buffer.from('GET /canary HTTP/1.1\r\nHost: canary.test\r\n\r\n');

export interface Rig {
  readonly outrider: Outrider;
  readonly target: RecordingTarget;
  readonly lenient: boolean;
}

export async function startRig(tolerate: readonly string[] = []): Promise<Rig> {
  const target = await startRecordingTarget();
  const listeners = [{ name: 'ambassador', address: '127.0.0.1:0', ...(tolerate.length > 0 ? { tolerate } : {}) }];
  const outrider = await startOutrider({
    shared: true,
    // Of some faults only time tells.
    outrider: { listeners, log: { access: 'none' }, limits: { bodyIdle: '1500ms' } },
    routes: { targets: { prod: target.url }, default: 'prod' },
  });
  return { outrider, target, lenient: tolerate.length > 0 };
}

export async function runRequests(rig: Rig, messages: readonly Message[]): Promise<RequestRun> {
  const variants = messages.flatMap(variantsOf);
  const canaries = { sent: 0, good: 0 };
  const sent = await inParallel([...variants.entries()], LANES, async ([index, { bytes, split }]) => {
    const result = await exchange(rig.outrider.port, bytes, split);
    if (index % CANARY_EVERY === 0) {
      canaries.sent += 1;
      const answer = await exchange(rig.outrider.port, CANARY, 'whole');
      if (answer.received.toString('latin1').startsWith('HTTP/1.1 200 ')) canaries.good += 1;
    }
    return result;
  });
  await settle(rig);
  const results = variants.map((variant, index) => resultOf(variant, sent[index], rig));
  const unexplained = rig.target.fragments.map(({ why, bytes }) => `${why}: ${JSON.stringify(bytes)}`);
  return { results, canaries, unexplained };
}

/** Nothing is under way any more: what the target has now is all that it gets. */
async function settle({ outrider }: Rig): Promise<void> {
  await waitFor(async () => (await outrider.metrics()).value('requests_in_flight') === 0, { what: 'all to end' });
}

function variantsOf(message: Message): Variant[] {
  const forms = [{ bytes: message.bytes, completed: false }];
  const rest = completionOf(message.bytes);
  if (rest !== '') forms.push({ bytes: Buffer.concat([message.bytes, Buffer.from(rest)]), completed: true });
  return forms.flatMap((form) => splitsOf(form.bytes).map((split) => ({ message, split, ...form })));
}

/** What makes the last request of the bytes a whole one; where nothing does, an end of the head. */
function completionOf(bytes: Buffer): string {
  if (readRequests(bytes).rest !== 'incomplete') return '';
  const ends = ['\r\n', '\r\n\r\n'];
  const whole = ends.find((end) => readRequests(Buffer.concat([bytes, Buffer.from(end)])).rest === 'nothing');
  return whole ?? '\r\n\r\n';
}

function resultOf({ message, bytes, split, completed }: Variant, sent: Sent | undefined, { target, lenient }: Rig) {
  if (sent === undefined) throw new Error(`${message.id} was not sent`);
  // What completes a message may make a good one of it.
  const isGood = completed && message.enforce === 'must-reject' && readRequests(bytes).rest === 'nothing';
  const enforce = isGood ? 'no-desync' : message.enforce;
  const judged = judgeRequest(bytes, sent, target.from(sent.address), lenient);
  return { id: message.id, enforce, split, completed, ...judged };
}
