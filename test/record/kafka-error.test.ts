import kafkajs from 'kafkajs';
import { outcomeOfError } from '../../src/record/kafka-error.ts';
import { refusalScope } from '../../src/record/producer.ts';

function protocolError(type: string, retriable: boolean): Error {
  return new kafkajs.KafkaJSProtocolError(Object.assign(new Error('as the broker says'), { type, retriable, code: 1 }));
}

describe('a refusal', () => {
  test.each([
    ['MESSAGE_TOO_LARGE', 'size'],
    ['RECORD_LIST_TOO_LARGE', 'size'],
    ['INVALID_RECORD', 'record'],
    ['TOPIC_AUTHORIZATION_FAILED', 'topic'],
    ['CLUSTER_AUTHORIZATION_FAILED', 'topic'],
    ['INVALID_TOPIC_EXCEPTION', 'topic'],
  ])('%s is about the %s', (code, scope) => {
    expect(refusalScope(code)).toBe(scope);
    expect(outcomeOfError(protocolError(code, false))).toMatchObject({ kind: 'refused', code });
  });

  test('is found under wrappers', () => {
    const wrapped = new Error('wrapped', { cause: protocolError('MESSAGE_TOO_LARGE', false) });
    expect(outcomeOfError(wrapped)).toMatchObject({ kind: 'refused', code: 'MESSAGE_TOO_LARGE' });
  });

  test('is found among the errors of an aggregate', () => {
    const aggregate = new AggregateError([new Error('other'), protocolError('INVALID_RECORD', false)]);
    expect(outcomeOfError(aggregate)).toMatchObject({ kind: 'refused', code: 'INVALID_RECORD' });
  });
});

describe('everything else is to be tried again', () => {
  test.each([
    'NOT_ENOUGH_REPLICAS',
    'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
    'REQUEST_TIMED_OUT',
    'NOT_LEADER_FOR_PARTITION',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'SOMETHING_NEW',
    'constructor',
  ])('%s', (code) => {
    expect(outcomeOfError(protocolError(code, true))).toMatchObject({
      kind: 'retry',
      message: `${code}: as the broker says`,
    });
  });

  test('a refused connection that kafkajs calls not retriable', () => {
    const cause = new kafkajs.KafkaJSConnectionError('Connection error: connect ECONNREFUSED', {
      code: 'ECONNREFUSED',
    });
    const wrapped = new kafkajs.KafkaJSNumberOfRetriesExceeded(cause, { retryCount: 0, retryTime: 1 });
    expect(outcomeOfError(wrapped)).toEqual({
      kind: 'retry',
      message: 'Connection error: connect ECONNREFUSED',
      trouble: 'address',
    });
  });

  test('an error that causes itself', () => {
    const circular = new Error('round');
    circular.cause = circular;
    expect(outcomeOfError(circular)).toEqual({ kind: 'retry', message: 'round', trouble: 'other' });
  });

  test.each([undefined, null, 'text', 7])('what is not an error: %p', (thrown) => {
    expect(outcomeOfError(thrown)).toEqual({ kind: 'retry', message: 'unknown error', trouble: 'other' });
  });
});
