import type { Reason } from '../../src/exchange.ts';
import type { Ending, Failure } from '../../src/forward/failure.ts';
import { failureStatus, judge } from '../../src/judge/judge.ts';
import { failed } from '../../src/judge/verdict.ts';

const failure = (reason: Reason, timedOut = false): Failure => ({
  reason,
  timedOut,
  message: `it was ${reason}`,
  requestSent: 'yes',
});
const left = (afterRequest: boolean, answering: boolean): Ending => ({
  kind: 'callerLeft',
  afterRequest,
  answering,
  requestSent: 'partly',
});

const REASONS: Reason[] = [
  'connect',
  'dns',
  'tls',
  'timeout',
  'reset',
  'protocol',
  'truncated',
  'overload',
  'status',
  'clientAbort',
];

test.each([200, 204, 304, 404, 500, 503])('an answer of %i that was relayed to its end is delivered', (status) => {
  expect(judge({ kind: 'answered', status })).toEqual({ kind: 'delivered' });
});

test.each(REASONS)('a failure with the reason %s keeps reason, status and words', (reason) => {
  const verdict = judge({ kind: 'failed', failure: failure(reason), status: 503 });
  expect(verdict).toEqual({ kind: 'failed', reason, status: 503, message: `it was ${reason}` });
});

test('a failure without an answer has no status', () => {
  expect(judge({ kind: 'failed', failure: failure('reset'), status: null })).toMatchObject({ status: null });
});

test.each(['tooLarge', 'idle'] as const)('a body that is %s is abandoned: the caller never sent a request', (fault) => {
  expect(judge({ kind: 'badBody', fault })).toEqual({ kind: 'abandoned' });
});

test.each([
  [true, false, 'failed'],
  [true, true, 'abandoned'],
  [false, false, 'abandoned'],
  [false, true, 'abandoned'],
])('a caller that leaves (whole request sent: %s, being answered: %s) is %s', (afterRequest, answering, kind) => {
  expect(judge(left(afterRequest, answering)).kind).toBe(kind);
});

test('a caller that leaves a hung target is a failure named clientAbort, without a status', () => {
  expect(judge(left(true, false))).toMatchObject({ reason: 'clientAbort', status: null });
});

describe('the status of our own answer', () => {
  const verdict = (reason: Reason) => ({
    ...failed(reason, null, ''),
    kind: 'failed' as const,
    reason,
    status: null,
    message: '',
  });
  test.each(REASONS.filter((reason) => reason !== 'overload'))('%s is 502, and 504 when time ran out', (reason) => {
    expect(failureStatus(verdict(reason), false)).toBe(502);
    expect(failureStatus(verdict(reason), true)).toBe(504);
  });

  test('overload is 503, also when it waited in vain', () => {
    expect(failureStatus(verdict('overload'), false)).toBe(503);
    expect(failureStatus(verdict('overload'), true)).toBe(503);
  });
});
