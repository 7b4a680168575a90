/** The answers of the corpus, given by a target to a real Outrider, and what its client saw of each. */
import { startOutrider } from '../helpers/outrider.ts';
import { parseResponses, type RawResponse } from '../helpers/raw-response.ts';
import { type Ending, type Order, pathOf, startAnswerTarget } from './answer-target.ts';
import type { Message } from './corpus.ts';
import { exchange, inParallel, type Sent, splitsOf } from './raw-exchange.ts';
import { type AnsweredMethod, type AnswerReading, readAnswer } from './strict-answer.ts';
import type { Field } from './strict-request.ts';

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

/** Most of them wait for an answer that does not end. */
const LANES = 100;
const CANARY_EVERY = 20;
const ENDINGS: readonly Ending[] = ['fin', 'open'];

export async function runAnswers(messages: readonly Message[], method: AnsweredMethod = 'GET'): Promise<AnswerRun> {
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
  const ask = (path: string, how: AnsweredMethod): Promise<Sent> => {
    const request = Buffer.from(`${how} ${path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`);
    return exchange(outrider.port, request, 'whole', { open: true });
  };
  const canaries = { sent: 0, good: 0 };
  const orders = messages.flatMap(({ bytes }, index) =>
    splitsOf(bytes).flatMap((split) => ENDINGS.map((ending) => ({ index, split, ending }))),
  );
  const seen = await inParallel([...orders.entries()], LANES, async ([at, order]) => {
    const sent = await ask(pathOf(order), method);
    if (at % CANARY_EVERY === 0) {
      canaries.sent += 1;
      const canary = await ask('/canary', 'GET');
      if (/^HTTP\/1\.1 200 .*\r\n\r\ngood$/s.test(canary.received.toString('latin1'))) canaries.good += 1;
    }
    return sent;
  });
  const records = new Map(
    (await outrider.records()).map(({ uri, reason, error_reason }) => [String(uri), `${reason}: ${error_reason}`]),
  );
  const results = orders.map((order, at) => resultOf(method, order, messages[order.index], seen[at], records));
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

function resultOf(
  method: AnsweredMethod,
  order: Order,
  message: Message | undefined,
  sent: Sent | undefined,
  records: Map<string, string>,
) {
  if (message === undefined || sent === undefined) throw new Error(`message ${order.index} was not sent`);
  const reading = readAnswer(message.bytes, order.ending === 'fin', method);
  const { verdict, violations } = judge(reading, sent, method);
  if (verdict !== 'relayed' && !records.has(pathOf(order))) violations.push('there is no record');
  return { ...order, id: message.id, reading, verdict, violations, why: records.get(pathOf(order)) ?? '' };
}

function judge(
  reading: AnswerReading,
  sent: Sent,
  method: AnsweredMethod,
): { verdict: AnswerResult['verdict']; violations: string[] } {
  const [answer, problem] = finalAnswer(sent, method);
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
  else violations.push(...unsentFields(answer, reading.fields));
  return { verdict: 'relayed', violations };
}

/** Fields of the connection, and those that Outrider may add. */
const OURS = ['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding'];

function unsentFields({ status, rawHeaders }: RawResponse, fields: readonly Field[]): string[] {
  const sent = new Set(fields.map(([name, value]) => `${name}: ${value}`));
  const isSent = ([name, value]: Field): boolean =>
    // A failed answer that was kept says so.
    name.startsWith('outrider-') ? status >= 500 : OURS.includes(name.toLowerCase()) || sent.has(`${name}: ${value}`);
  return rawHeaders.filter((field) => !isSent(field)).map((field) => `a line that was not sent: ${field.join(': ')}`);
}

/** null: the connection ended before the answer did. */
function finalAnswer({ received, ended }: Sent, method: AnsweredMethod): [RawResponse | null, string] {
  if (ended === 'timeout') return [null, 'the client was left waiting'];
  try {
    const { responses, rest } = parseResponses(received, [method], ended === 'closed');
    const finals = responses.filter(({ status }) => status >= 200);
    const problem = finals.length > 1 || (finals.length === 1 && rest.length > 0) ? 'more than one answer' : '';
    return [finals[0] ?? null, problem];
  } catch (error) {
    return [null, `the client can't read it: ${String(error)}`];
  }
}
