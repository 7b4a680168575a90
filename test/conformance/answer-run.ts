/** The answers of the corpus, given by a target to a real Outrider, and what its client saw of each. */
import { startOutrider } from '../helpers/outrider.ts';
import { parseResponses, type RawResponse } from '../helpers/raw-response.ts';
import { type Ending, type Order, pathOf, startAnswerTarget } from './answer-target.ts';
import type { Message } from './corpus.ts';
import { exchange, inParallel, type Sent, type Split } from './raw-exchange.ts';
import { type AnswerReading, readAnswer } from './strict-answer.ts';

export interface AnswerResult extends Order {
  readonly id: string;
  readonly reading: AnswerReading;
  /** `gateway`: 502 or 504 of Outrider's own. */
  readonly verdict: 'relayed' | 'gateway' | 'aborted';
  readonly violations: readonly string[];
  /** Of the record; empty where there is none. */
  readonly why: string;
}

export interface AnswerRun {
  readonly results: readonly AnswerResult[];
  readonly canaries: { readonly sent: number; readonly good: number };
}

const LANES = 40;
const CANARY_EVERY = 20;
const SPLITS: readonly Split[] = ['whole', 'byte by byte'];
const ENDINGS: readonly Ending[] = ['fin', 'open'];

export async function runAnswers(messages: readonly Message[]): Promise<AnswerRun> {
  const url = await startAnswerTarget(messages);
  const outrider = await startOutrider({
    shared: true,
    outrider: { listeners: [{ name: 'ambassador', address: '127.0.0.1:0' }], log: { access: 'none' } },
    routes: {
      targets: {
        whole: targetOf(url),
        // What drips in behind an answer, when the next request is on its way, is that one's answer to everybody.
        bytes: { ...targetOf(url), connections: { maxAge: '1ms' } },
      },
      rules: [{ name: 'bytes', match: { paths: ['/bytes/*'] }, target: 'bytes' }],
      default: 'whole',
    },
  });
  const ask = (path: string): Promise<Sent> =>
    exchange(outrider.port, Buffer.from(`GET ${path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`), 'whole', {
      open: true,
    });
  const canaries = { sent: 0, good: 0 };
  const orders = messages.flatMap((_, index) =>
    SPLITS.flatMap((split) => ENDINGS.map((ending) => ({ index, split, ending }))),
  );
  const seen = await inParallel([...orders.entries()], LANES, async ([at, order]) => {
    const sent = await ask(pathOf(order));
    if (at % CANARY_EVERY === 0) {
      canaries.sent += 1;
      const canary = await ask('/canary');
      if (/^HTTP\/1\.1 200 .*\r\n\r\ngood$/s.test(canary.received.toString('latin1'))) canaries.good += 1;
    }
    return sent;
  });
  const records = new Map(
    (await outrider.records()).map(({ uri, reason, error_reason }) => [String(uri), `${reason}: ${error_reason}`]),
  );
  const results = orders.map((order, at) => resultOf(order, messages[order.index], seen[at], records));
  return { results, canaries };
}

const targetOf = (url: string) => ({
  urls: [{ url }],
  // How long an answer without an end is waited for.
  timeouts: { response: '1s', idle: '1s' },
  circuitBreaker: { failures: 0 },
  // This target closes many connections at once: a request may meet several that are closing.
  retry: { attempts: 4, when: ['reset'] },
});

function resultOf(order: Order, message: Message | undefined, sent: Sent | undefined, records: Map<string, string>) {
  if (message === undefined || sent === undefined) throw new Error(`message ${order.index} was not sent`);
  const reading = readAnswer(message.bytes, order.ending === 'fin');
  const { verdict, violations } = judge(reading, sent);
  if (verdict !== 'relayed' && !records.has(pathOf(order))) violations.push('there is no record');
  return { ...order, id: message.id, reading, verdict, violations, why: records.get(pathOf(order)) ?? '' };
}

function judge(reading: AnswerReading, sent: Sent): { verdict: AnswerResult['verdict']; violations: string[] } {
  const [answer, problem] = finalAnswer(sent);
  const violations = problem === '' ? [] : [problem];
  if (answer === null) {
    if (reading.kind === 'whole') violations.push('a good answer was cut off');
    return { verdict: 'aborted', violations };
  }
  const isOurs = answer.header('outrider-record') !== undefined && (answer.status === 502 || answer.status === 504);
  if (isOurs) return { verdict: 'gateway', violations };
  if (reading.kind !== 'whole') violations.push(`a clean end of a broken answer: ${reading.why}`);
  else if (answer.status !== reading.status) violations.push(`${answer.status} for ${reading.status}`);
  else if (!answer.body.equals(reading.body)) violations.push('another body');
  return { verdict: 'relayed', violations };
}

/** null: the connection ended before the answer did. */
function finalAnswer({ received, ended }: Sent): [RawResponse | null, string] {
  if (ended === 'timeout') return [null, 'the client was left waiting'];
  try {
    const { responses, rest } = parseResponses(received, ['GET'], ended === 'closed');
    const finals = responses.filter(({ status }) => status >= 200);
    const problem = finals.length > 1 || (finals.length === 1 && rest.length > 0) ? 'more than one answer' : '';
    return [finals[0] ?? null, problem];
  } catch (error) {
    return [null, `the client can't read it: ${String(error)}`];
  }
}
