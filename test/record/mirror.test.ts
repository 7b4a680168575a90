import { setImmediate as tick } from 'node:timers/promises';
import {
  createMirror,
  IDLE_MS,
  type Mirror,
  type MirrorOptions,
  type MirrorStats,
  PROBE_RECORDS,
} from '../../src/record/mirror.ts';
import { MAX_BYTES, MAX_RECORDS } from '../../src/record/mirror-batch.ts';
import { LOOK_MS } from '../../src/record/mirror-topic.ts';
import type { Failure, Producer, ProducerBatch, SendOutcome, TopicInfo } from '../../src/record/producer.ts';
import type { KeptRecord } from '../../src/record/states.ts';
import { cleanUp } from '../helpers/cleanup.ts';
import { waitFor } from '../helpers/wait.ts';
import { FakeRelaySource } from './fake-relay-source.ts';

const ACKED: SendOutcome = { kind: 'acked' };
const refused = (code: string): SendOutcome => ({ kind: 'refused', code, message: `${code}: no`, trouble: 'other' });
const retry: SendOutcome = { kind: 'retry', message: 'connect ECONNREFUSED', trouble: 'address' };

/** A producer whose verdicts the test decides. */
class FakeProducer implements Producer {
  readonly sent: ProducerBatch[] = [];
  idled = 0;
  closed = false;
  info: TopicInfo | Failure = { kind: 'topic', replicas: 3, minInsyncReplicas: 2 };
  looks = 0;
  verdict: (batch: ProducerBatch) => SendOutcome | Promise<SendOutcome> = () => ACKED;
  #cut = Promise.withResolvers<SendOutcome>();

  async send(batch: ProducerBatch): Promise<SendOutcome> {
    this.sent.push(batch);
    await tick();
    return Promise.race([this.verdict(batch), this.#cut.promise]);
  }
  async topicInfo(): Promise<TopicInfo | Failure> {
    this.looks += 1;
    return this.info;
  }
  async idle(): Promise<void> {
    this.idled += 1;
  }
  async close(): Promise<void> {
    this.closed = true;
    this.#cut.resolve({ kind: 'retry', message: 'cut off', trouble: 'other' });
  }
  ids(): string[][] {
    return this.sent.map(({ messages }) => messages.map(({ headers }) => headers.seq ?? ''));
  }
}

/** Sleeps last one turn of the event loop, unless they are held; what was asked for is written down. */
class FakeClock {
  readonly asked: number[] = [];
  isHeld = (ms: number): boolean => ms > 5_000;
  /** Ends those that are held; never, unless a test says when. */
  held = new Promise<void>(() => undefined);
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    this.asked.push(ms);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    if (this.isHeld(ms)) void this.held.then(resolve);
    else setImmediate(resolve);
    await promise;
  }
}

function setUp(changes: Partial<MirrorOptions> = {}) {
  const source = new FakeRelaySource();
  const producer = new FakeProducer();
  const clock = new FakeClock();
  const lines: string[] = [];
  const states: MirrorStats[] = [];
  const toMessage: MirrorOptions['toMessage'] = (record: KeptRecord, body) => ({
    key: record.id,
    value: Buffer.from(body ?? '{"body_omitted":true}'),
    headers: { seq: String(record.seq) },
  });
  const start = (): Mirror => {
    const mirror = createMirror({
      source,
      producer,
      settings: { topic: 'failed-requests', brokers: ['kafka:9092'], maxRecordBytes: 900 * 1024 },
      toMessage,
      onState: (state) => states.push(state),
      log: (level, message, fields) => lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
      clock,
      ...changes,
    });
    cleanUp(() => mirror.close({ deadlineMs: 0 }));
    return mirror;
  };
  const drained = () => waitFor(() => source.allDone, { what: 'all records to be marked' });
  return { source, producer, clock, lines, states, start, drained, toMessage };
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => String(from + at));

describe('sending', () => {
  test('records go out in sequence, and each send is marked in one transaction after it', async () => {
    const { source, producer, start, drained } = setUp();
    const count = 2 * MAX_RECORDS + 50;
    for (let added = 0; added < count; added += 1) source.add('{}');
    const mirror = start();
    await drained();
    const [first, second] = [MAX_RECORDS, 2 * MAX_RECORDS];
    expect(producer.ids()).toEqual([numbers(1, first), numbers(first + 1, second), numbers(second + 1, count)]);
    expect(source.transactions.map((seqs) => seqs.map(String))).toEqual(producer.ids());
    expect(mirror.stats()).toEqual({ up: true, mirrored: count, parked: 0, failed: 0, lastError: '' });
  });

  test('nothing is marked before the acknowledgement', async () => {
    const { source, producer, start } = setUp();
    const verdict = Promise.withResolvers<SendOutcome>();
    producer.verdict = () => verdict.promise;
    source.add('{}');
    start();
    await waitFor(() => producer.sent.length === 1, { what: 'the send' });
    await tick();
    expect(source.transactions).toEqual([]);
    verdict.resolve(ACKED);
    await waitFor(() => source.transactions.length === 1, { what: 'the mark' });
  });

  test('a record that comes later is sent after wake', async () => {
    const { source, producer, start, drained } = setUp();
    const mirror = start();
    source.add('{}');
    mirror.wake();
    await drained();
    source.add('{}');
    mirror.wake();
    mirror.wake();
    await drained();
    expect(producer.ids().flat()).toEqual(['1', '2']);
  });

  test('a record that is committed while the mirror goes to rest is not forgotten', async () => {
    const { source, start } = setUp();
    const mirror = start();
    for (let round = 0; round < 200; round += 1) {
      source.add('{}');
      mirror.wake();
      if (round % 3 === 0) await tick();
    }
    await waitFor(() => source.allDone, { what: 'all 200' });
  });

  test(`no send has more than ${MAX_RECORDS} records or ${MAX_BYTES} bytes, but a larger record goes alone`, async () => {
    const { source, producer, start, drained } = setUp();
    const sizes = [200_000, 200_000, 200_000, 600_000, 10, 10, 500_000];
    for (const size of sizes) source.add('x'.repeat(size));
    start();
    await drained();
    expect(producer.ids()).toEqual([['1', '2'], ['3'], ['4'], ['5', '6', '7']]);
    expect(source.bodiesRead).toBe(sizes.length);
  });

  test('other work of the thread runs between the records of a large batch', async () => {
    let inThisTurn = 0;
    let mostInATurn = 0;
    const everyTurn = (): void => {
      inThisTurn = 0;
      turn = setImmediate(everyTurn);
    };
    let turn = setImmediate(everyTurn);
    cleanUp(() => clearImmediate(turn));
    const slow: MirrorOptions['toMessage'] = (record) => {
      const end = performance.now() + 1;
      while (performance.now() < end);
      inThisTurn += 1;
      mostInATurn = Math.max(mostInATurn, inThisTurn);
      return { key: null, value: Buffer.from('{}'), headers: { seq: String(record.seq) } };
    };
    const { source, start, drained } = setUp({ toMessage: slow });
    for (let count = 0; count < 300; count += 1) source.add('{}');
    start();
    await drained();
    // A slice is 5 ms and each record takes one.
    expect(mostInATurn).toBeLessThanOrEqual(10);
  });
});

describe('a record that is too large', () => {
  const settings = { topic: 'failed-requests', brokers: ['kafka:9092'], maxRecordBytes: 1_000 };

  test('over maxRecordBytes it goes out alone, without its body, and is not marked as whole', async () => {
    const { source, producer, start, drained } = setUp({ settings });
    source.add('{}');
    source.add('x'.repeat(1_001));
    source.add('{}');
    start();
    await drained();
    expect(producer.ids()).toEqual([['1'], ['2'], ['3']]);
    expect(String(producer.sent[1]?.messages[0]?.value)).toBe('{"body_omitted":true}');
    expect([...source.withoutBody]).toEqual([2]);
    expect(source.bodiesRead).toBe(2);
  });

  test('one that grows over it in JSON loses its body too', async () => {
    const { source, producer, start, drained } = setUp({ settings });
    source.add('x'.repeat(990));
    start();
    await drained();
    expect(producer.sent).toHaveLength(1);
    expect([...source.withoutBody]).toEqual([1]);
  });

  test('a batch that Kafka calls too large is halved until the record to blame is found, in order', async () => {
    const { source, producer, start, drained } = setUp();
    for (let count = 0; count < 10; count += 1) source.add(count === 6 ? 'x'.repeat(5_000) : '{}');
    producer.verdict = ({ messages }) =>
      messages.some(({ value }) => value.length > 1_000) ? refused('MESSAGE_TOO_LARGE') : ACKED;
    const mirror = start();
    await drained();
    expect(source.transactions.flat()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect([...source.withoutBody]).toEqual([7]);
    expect(mirror.stats()).toMatchObject({ up: true, mirrored: 10, parked: 0, failed: 0 });
  });

  test('one that is refused even without its body is parked with the reason, and the rest flow', async () => {
    const { source, producer, start, drained } = setUp();
    for (let count = 0; count < 5; count += 1) source.add('{}');
    producer.verdict = ({ messages }) =>
      messages.some(({ headers }) => headers.seq === '3') ? refused('MESSAGE_TOO_LARGE') : ACKED;
    const mirror = start();
    await drained();
    expect(source.transactions.flat()).toEqual([1, 2, 4, 5]);
    expect([...source.parked]).toEqual([[3, 'MESSAGE_TOO_LARGE: no']]);
    expect(mirror.stats()).toMatchObject({ mirrored: 4, parked: 1 });
  });
});

describe('a record that can not be sent', () => {
  test('refused for itself, it is parked and the rest flow', async () => {
    const { source, producer, start, drained } = setUp();
    for (let count = 0; count < 8; count += 1) source.add('{}');
    producer.verdict = ({ messages }) =>
      messages.some(({ headers }) => headers.seq === '8') ? refused('INVALID_RECORD') : ACKED;
    start();
    await drained();
    expect([...source.parked.keys()]).toEqual([8]);
    expect(source.withoutBody.size).toBe(0);
  });

  test('with a body that can not be read, it is passed over, once a line, and the rest flow', async () => {
    const { source, lines, start } = setUp();
    source.add('unreadable');
    source.add('{}');
    const mirror = start();
    await waitFor(() => source.mirrored.has(2), { what: 'the second record' });
    source.add('{}');
    mirror.wake();
    await waitFor(() => source.mirrored.has(3), { what: 'the third record' });
    expect(lines.filter((line) => line.includes('could not be read'))).toHaveLength(1);
    expect(mirror.stats()).toMatchObject({ mirrored: 2, failed: 1, lastError: 'the file is gone' });
  });

  test('when no message can be made of it, it is parked', async () => {
    const { source, start, drained, toMessage } = setUp({
      toMessage: (record, body) => {
        if (record.seq === 1) throw new Error('not a record');
        return toMessage(record, body);
      },
    });
    source.add('{}');
    source.add('{}');
    start();
    await drained();
    expect([...source.parked]).toEqual([[1, 'no message could be made of it: not a record']]);
  });
});

describe('while Kafka is away', () => {
  test('it is tried again, less and less often, with one line at the start and one at the end', async () => {
    const { source, producer, clock, lines, states, start, drained } = setUp();
    let attempts = 0;
    producer.verdict = () => {
      attempts += 1;
      return attempts <= 12 ? retry : ACKED;
    };
    source.add('{}');
    source.add('{}');
    const mirror = start();
    await drained();
    const naps = clock.asked.filter((ms) => ms <= 5_000 && ms !== LOOK_MS.first);
    expect(naps).toHaveLength(12);
    for (const [at, nap] of naps.entries()) {
      const full = Math.min(5_000, 200 * 2 ** at);
      expect(nap).toBeGreaterThanOrEqual(full / 2);
      expect(nap).toBeLessThanOrEqual(full);
    }
    expect(lines.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      'warn mirror: Kafka',
      'info mirror: Kafka',
    ]);
    expect(states.map(({ up }) => up)).toEqual([false, true]);
    expect(mirror.stats()).toMatchObject({ up: true, mirrored: 2, parked: 0, failed: 24 });
    expect(mirror.stats().lastError).toContain('connect ECONNREFUSED (topic failed-requests at kafka:9092)');
  });

  test(`${PROBE_RECORDS} records ask whether Kafka is back, and then all go as usual`, async () => {
    const { source, producer, start, drained } = setUp();
    const count = MAX_RECORDS + 50;
    for (let added = 0; added < count; added += 1) source.add('{}');
    const verdicts = [retry, retry, retry];
    producer.verdict = () => verdicts.shift() ?? ACKED;
    start();
    await drained();
    expect(producer.ids()).toEqual([
      numbers(1, MAX_RECORDS),
      numbers(1, PROBE_RECORDS),
      numbers(1, PROBE_RECORDS),
      numbers(1, PROBE_RECORDS),
      numbers(PROBE_RECORDS + 1, PROBE_RECORDS + MAX_RECORDS),
      numbers(PROBE_RECORDS + MAX_RECORDS + 1, count),
    ]);
    // What was read ahead of the first send, and then nothing that was not sent.
    expect(source.bodiesRead).toBeLessThanOrEqual(2 * count + 3 * PROBE_RECORDS);
  });

  test('new records do not shorten the wait', async () => {
    const { source, producer, clock, start } = setUp();
    producer.verdict = () => retry;
    clock.isHeld = () => true;
    source.add('{}');
    const mirror = start();
    await waitFor(() => clock.asked.length === 1, { what: 'the first wait' });
    for (let count = 0; count < 50; count += 1) {
      mirror.wake();
      await tick();
    }
    expect(producer.sent).toHaveLength(1);
  });

  test.each(['TOPIC_AUTHORIZATION_FAILED', 'INVALID_TOPIC_EXCEPTION', 'SOMETHING_ELSE'])(
    '%s pauses all and parks nothing',
    async (code) => {
      const { source, producer, start, drained } = setUp();
      let attempts = 0;
      producer.verdict = () => {
        attempts += 1;
        return attempts <= 3 ? refused(code) : ACKED;
      };
      source.add('{}');
      source.add('{}');
      start();
      await drained();
      expect(producer.ids()).toEqual([
        ['1', '2'],
        ['1', '2'],
        ['1', '2'],
        ['1', '2'],
      ]);
      expect(source.parked.size).toBe(0);
    },
  );

  test('what was acknowledged of a halved batch is not sent again', async () => {
    const { source, producer, start, drained } = setUp();
    for (let count = 0; count < 4; count += 1) source.add('{}');
    const verdicts = [refused('MESSAGE_TOO_LARGE'), ACKED, retry];
    producer.verdict = () => verdicts.shift() ?? ACKED;
    start();
    await drained();
    expect(producer.ids()).toEqual([
      ['1', '2', '3', '4'],
      ['1', '2'],
      ['3', '4'],
      ['3', '4'],
    ]);
  });

  test('a mark that the spool refuses leads to a second send, not to a lost record', async () => {
    const { source, producer, states, start, drained } = setUp();
    source.failNextMark = new Error('disk I/O error');
    source.add('{}');
    start();
    await drained();
    expect(producer.ids()).toEqual([['1'], ['1']]);
    expect(states[0]).toMatchObject({ up: false, lastError: 'disk I/O error' });
  });
});

describe('the topic', () => {
  test.each([
    [1, 1, 1],
    [3, 1, 1],
    [1, 2, 1],
    [1, null, 1],
    [3, 2, 0],
    [3, null, 0],
  ])(
    '%p replicas with min.insync.replicas %p are warned about %i times',
    async (replicas, minInsyncReplicas, count) => {
      const { source, producer, lines, start, drained } = setUp();
      producer.info = { kind: 'topic', replicas, minInsyncReplicas };
      for (let seq = 0; seq < 150; seq += 1) source.add('{}');
      start();
      await drained();
      await tick();
      expect(lines.filter((line) => line.includes('min.insync.replicas=2'))).toHaveLength(count);
    },
  );
});

describe('a look at the topic soon after the start', () => {
  const missing: Failure = { kind: 'retry', message: 'UNKNOWN_TOPIC_OR_PARTITION: no', trouble: 'topic' };

  test('tells what is wrong, where, and what to do, before any record waits; and when it is over', async () => {
    const { producer, clock, lines, states, start } = setUp();
    const later = Promise.withResolvers<void>();
    clock.isHeld = (ms) => ms === LOOK_MS.again || ms === IDLE_MS;
    clock.held = later.promise;
    producer.info = missing;
    const mirror = start();
    await waitFor(() => !mirror.stats().up, { what: 'the trouble to be seen' });
    expect(lines).toEqual([
      'warn mirror: Kafka takes no records, they wait in the spool: UNKNOWN_TOPIC_OR_PARTITION: no (topic failed-requests at kafka:9092): create topic failed-requests with 3 replicas and min.insync.replicas=2, or correct kafka.topic {"cause":"UNKNOWN_TOPIC_OR_PARTITION: no","topic":"failed-requests","brokers":["kafka:9092"]}',
    ]);
    producer.info = { kind: 'topic', replicas: 3, minInsyncReplicas: 2 };
    later.resolve();
    await waitFor(() => mirror.stats().up, { what: 'the look that goes well' });
    expect(lines.at(-1)).toContain('takes records again');
    expect(states.map(({ up }) => up)).toEqual([false, true]);
    expect(producer.sent).toEqual([]);
    expect(producer.looks).toBe(2);
    // After each look the connection is given up.
    expect(producer.idled).toBeGreaterThanOrEqual(2);
  });

  test('does not call a mirror well whose sends have failed since', async () => {
    const { source, producer, clock, lines, start } = setUp();
    const later = Promise.withResolvers<void>();
    clock.isHeld = (ms) => ms === LOOK_MS.again;
    clock.held = later.promise;
    producer.info = missing;
    producer.verdict = () => ({ kind: 'retry', message: 'NOT_ENOUGH_REPLICAS: no', trouble: 'replicas' });
    const mirror = start();
    await waitFor(() => !mirror.stats().up, { what: 'the trouble to be seen' });
    source.add('{}');
    mirror.wake();
    await waitFor(() => producer.sent.length > 2, { what: 'sends that fail' });
    producer.info = { kind: 'topic', replicas: 3, minInsyncReplicas: 2 };
    later.resolve();
    await waitFor(() => producer.looks === 2, { what: 'the second look' });
    const { length } = producer.sent;
    await waitFor(() => producer.sent.length > length, { what: 'another send' });
    expect(mirror.stats().up).toBe(false);
    expect(lines).toHaveLength(1);
  });

  test('an outage that turns into one that a person must end is told again', async () => {
    const { source, producer, lines, start, drained } = setUp();
    const verdicts: SendOutcome[] = [
      retry,
      retry,
      { kind: 'retry', message: 'SASL PLAIN authentication failed', trouble: 'credentials' },
      { kind: 'retry', message: 'SASL PLAIN authentication failed', trouble: 'credentials' },
      retry,
    ];
    producer.verdict = () => verdicts.shift() ?? ACKED;
    source.add('{}');
    start();
    await drained();
    expect(lines.map((line) => line.split('{')[0]?.trim())).toEqual([
      'warn mirror: Kafka takes no records, they wait in the spool: connect ECONNREFUSED (topic failed-requests at kafka:9092): if it stays so, correct kafka.brokers, or let this pod connect to them',
      'warn mirror: Kafka takes no records, they wait in the spool: SASL PLAIN authentication failed (topic failed-requests at kafka:9092): correct kafka.sasl; its password file is read again for each new connection',
      'info mirror: Kafka takes records again',
    ]);
  });
});

describe('rest and end', () => {
  test('connections are given up when nothing comes for a while', async () => {
    const { source, producer, clock, start, drained } = setUp();
    clock.isHeld = () => false;
    source.add('{}');
    const mirror = start();
    await waitFor(() => producer.idled > 0, { what: 'the connections to be given up' });
    source.add('{}');
    mirror.wake();
    await drained();
  });

  test('close lets the send in flight finish, marks it, and sends no other', async () => {
    const { source, producer, start } = setUp({ clock: realClock });
    for (let seq = 0; seq < MAX_RECORDS + 50; seq += 1) source.add('{}');
    const verdict = Promise.withResolvers<SendOutcome>();
    producer.verdict = () => verdict.promise;
    const mirror = start();
    await waitFor(() => producer.sent.length === 1, { what: 'the send' });
    const closed = mirror.close({ deadlineMs: 5_000 });
    verdict.resolve(ACKED);
    await closed;
    expect(source.mirrored.size).toBe(MAX_RECORDS);
    expect(producer.sent).toHaveLength(1);
    expect(producer.closed).toBe(true);
  });

  test('close in the middle of a halved batch sends no other half', async () => {
    const { source, producer, start } = setUp({ clock: realClock });
    for (let seq = 0; seq < 10; seq += 1) source.add('{}');
    const verdict = Promise.withResolvers<SendOutcome>();
    producer.verdict = ({ messages }) => (messages.length === 10 ? refused('MESSAGE_TOO_LARGE') : verdict.promise);
    const mirror = start();
    await waitFor(() => producer.sent.length === 2, { what: 'the first half' });
    const closed = mirror.close({ deadlineMs: 5_000 });
    verdict.resolve(ACKED);
    await Promise.race([closed, waitFor(() => producer.closed, { what: 'the end' })]);
    expect(producer.ids().at(-1)).toEqual(numbers(1, 5));
    expect(source.mirrored.size).toBe(5);
  });

  test('close cuts a send that does not end, within its deadline and without a word about Kafka', async () => {
    const { source, producer, lines, states, start } = setUp({ clock: realClock });
    source.add('{}');
    producer.verdict = () => new Promise(() => undefined);
    const mirror = start();
    await waitFor(() => producer.sent.length === 1, { what: 'the send' });
    const began = performance.now();
    await Promise.all([mirror.close({ deadlineMs: 300 }), mirror.close({ deadlineMs: 300 })]);
    expect(performance.now() - began).toBeLessThan(300);
    expect(source.mirrored.size).toBe(0);
    expect([lines, states]).toEqual([[], []]);
  });

  test('close ends a wait for Kafka at once', async () => {
    const { source, producer, clock, start } = setUp();
    clock.isHeld = () => true;
    producer.verdict = () => retry;
    source.add('{}');
    const mirror = start();
    await waitFor(() => clock.asked.length === 1, { what: 'the wait' });
    await mirror.close({ deadlineMs: 60_000 });
    expect(producer.closed).toBe(true);
  });
});

const realClock: NonNullable<MirrorOptions['clock']> = {
  sleep: async (ms, signal) => {
    const { setTimeout: wait } = await import('node:timers/promises');
    await wait(ms, undefined, { signal });
  },
};
