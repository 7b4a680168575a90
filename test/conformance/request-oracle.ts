/** What may be seen of a message at its client and at the target, judged by a strict reading of its bytes. */
import { parseResponses, type RawResponse } from '../helpers/raw-response.ts';
import type { Sent } from './raw-exchange.ts';
import type { Arrivals } from './recording-target.ts';
import { type Field, type Reading, readRequests, type StrictRequest, valuesOf } from './strict-request.ts';

export interface Judged {
  /** `answered`: its first request was; `refused`: 4xx, 5xx or a closed connection. */
  readonly verdict: 'answered' | 'refused';
  /** Of the final answers. */
  readonly statuses: readonly number[];
  readonly reading: Reading;
  /** Requests that reached the target whole. */
  readonly arrived: number;
  /** Requests of which the target got a part, and then the end of the connection. */
  readonly cut: number;
  /** What must not be: empty where all is well. */
  readonly violations: readonly string[];
}

/** Fields that Outrider adds or writes anew by design. */
const OURS = [
  'via',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'host',
  'connection',
  'te',
];
const FRAMING = ['content-length', 'transfer-encoding'];

export function judgeRequest(bytes: Buffer, sent: Sent, arrivals: Arrivals, lenient: boolean): Judged {
  const reading = readRequests(bytes, lenient);
  const violations: string[] = [];
  const answers = finalAnswers(sent, reading, violations);
  const statuses = answers.map(({ status }) => status);
  const fromTarget = answers.filter((answer) => answer.header('x-target') !== undefined).length;
  const good = statuses.filter((status) => status < 400).length;
  const arrived = arrivals.requests.length;
  if (sent.ended === 'timeout') violations.push('the connection was left open');
  if (good > reading.requests.length) violations.push(`${good} good answers to ${reading.requests.length} requests`);
  if (fromTarget !== arrived) violations.push(`${arrived} requests at the target, ${fromTarget} answers of it`);
  if (arrived + arrivals.cut.length > reading.heads) violations.push('more began at the target than may');
  violations.push(...compareRequests(reading.requests, arrivals.requests));
  const verdict = (statuses[0] ?? 500) < 400 ? 'answered' : 'refused';
  return { verdict, statuses, reading, arrived, cut: arrivals.cut.length, violations };
}

function finalAnswers(sent: Sent, reading: Reading, violations: string[]): RawResponse[] {
  // To a parser that refuses a head its method says nothing about the answer.
  const readings = [0, 1, 2].map((less) => reading.methods.slice(0, Math.max(0, reading.methods.length - less)));
  let problem = '';
  for (const methods of readings) {
    try {
      const { responses, rest } = parseResponses(sent.received, methods, sent.ended === 'closed');
      if (rest.length === 0) return responses.filter(({ status }) => status >= 200);
      problem ||= `bytes behind the answers: ${JSON.stringify(rest.toString('latin1'))}`;
    } catch (error) {
      problem ||= `the client can't read it: ${String(error)}`;
    }
  }
  violations.push(problem);
  return [];
}

/** Each request that arrived must be one of those that were sent, whole, and no other's. */
function compareRequests(sent: readonly StrictRequest[], arrived: readonly StrictRequest[]): string[] {
  const left = [...sent];
  const violations: string[] = [];
  for (const request of arrived) {
    const differences = left.map((each) => differenceOf(each, request));
    const at = differences.indexOf('');
    if (at >= 0) left.splice(at, 1);
    else violations.push(`the target got ${request.method} ${request.target}: ${differences[0] ?? 'never sent'}`);
  }
  return violations;
}

/** Empty where both are the same request. */
function differenceOf(sent: StrictRequest, arrived: StrictRequest): string {
  if (sent.method !== arrived.method) return 'another method';
  if (originForm(sent.target) !== arrived.target) return 'another target';
  if (!sent.body.equals(arrived.body)) return 'another body';
  const framing = arrived.fields.filter(([name]) => FRAMING.includes(name.toLowerCase()));
  if (framing.length > 1) return 'two framing headers';
  const added = arrived.fields.filter((field) => !isOurs(field) && !isAmong(field, sent.fields));
  return added.length === 0 ? '' : `a line that was not sent: ${JSON.stringify(added[0])}`;
}

function originForm(target: string): string {
  const rest = target.replace(/^https?:\/\/[^/?]*/i, '');
  return rest.startsWith('/') || rest === '*' ? rest : `/${rest}`;
}

const isOurs = ([name]: Field): boolean => OURS.includes(name.toLowerCase()) || FRAMING.includes(name.toLowerCase());

const isAmong = ([name, value]: Field, fields: readonly Field[]): boolean =>
  valuesOf(fields, name.toLowerCase()).includes(value);
