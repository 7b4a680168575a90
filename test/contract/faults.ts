/** The contract where the broker hangs, dies, closes, or loses what it would have said. */
import { cleanUp } from '../helpers/cleanup.ts';
import { closedPort } from '../helpers/ports.ts';
import { waitFor } from '../helpers/wait.ts';
import { BROKER_IDLE_MS, messages, openSockets, PATIENT, QUICK, type Setting, silentBroker } from './fixtures.ts';

export function describeFaults({ kafka, proxy, start, newTopic }: Setting): void {
  test('a refused connection is to be tried again, at once', async () => {
    const producer = start({ brokers: [`127.0.0.1:${await closedPort()}`] });
    const outcome = await producer.send({ topic: 'any', messages: messages(1) });
    expect(outcome).toMatchObject({ kind: 'retry', message: expect.stringContaining('ECONNREFUSED') });
  });

  test('after a broker that accepts and never answers, the next in the list is asked', async () => {
    const topic = await newTopic();
    const producer = start({ brokers: [await silentBroker(), ...kafka().brokers] }, QUICK);
    const began = performance.now();
    expect(await producer.send({ topic, messages: messages(1) })).toMatchObject({ kind: 'retry' });
    expect(performance.now() - began).toBeLessThan(QUICK.deadline);
    const acked = async (): Promise<boolean> =>
      (await producer.send({ topic, messages: messages(1) })).kind === 'acked';
    expect(await waitFor(acked, { what: 'a send through the second broker' })).toBe(true);
  });

  test('a send to a broker that hangs settles within the deadline, and close cuts one at once', async () => {
    const topic = await newTopic();
    const producer = start({}, QUICK);
    expect(
      await waitFor(async () => (await producer.send({ topic, messages: messages(1) })).kind === 'acked', {
        what: 'a first send',
      }),
    ).toBe(true);
    kafka().pause();
    cleanUp(() => kafka().resume());
    const began = performance.now();
    expect(await producer.send({ topic, messages: messages(1) })).toMatchObject({ kind: 'retry' });
    expect(performance.now() - began).toBeLessThan(QUICK.deadline + 500);
    const patient = start();
    const pending = patient.send({ topic, messages: messages(1) });
    const closing = performance.now();
    await patient.close();
    expect(performance.now() - closing).toBeLessThan(500);
    expect(await pending).toMatchObject({ kind: 'retry' });
  });

  test('an answer that is lost after the append: the same batch is sent again, and is there twice under its ids', async () => {
    const topic = await newTopic();
    const producer = start({ brokers: [proxy().address] });
    const [first, ...batch] = messages(4);
    expect(await producer.send({ topic, messages: first === undefined ? [] : [first] })).toEqual({ kind: 'acked' });
    const { lost } = proxy();
    proxy().loseNextAnswer();
    expect(await producer.send({ topic, messages: batch })).toMatchObject({ kind: 'retry', trouble: 'closed' });
    expect(proxy().lost).toBe(lost + 1);
    expect(await producer.send({ topic, messages: batch })).toEqual({ kind: 'acked' });
    const ids = (await kafka().readAll(topic)).map(({ headers }) => headers['outrider-record-id']);
    expect(ids).toEqual(['0', '1', '2', '3', '1', '2', '3']);
  });

  test('connections that the broker closes, for nothing was sent for long, cost no send', async () => {
    const topic = await newTopic();
    const before = openSockets();
    const producer = start();
    expect(await producer.send({ topic, messages: messages(1) })).toEqual({ kind: 'acked' });
    expect(openSockets()).toBeGreaterThan(before);
    await waitFor(() => openSockets() <= before, { what: `the broker to close after ${BROKER_IDLE_MS} ms` });
    expect(await producer.send({ topic, messages: messages(1) })).toEqual({ kind: 'acked' });
  });

  test('a topic that is deleted and made again gets records again', async () => {
    const topic = await newTopic();
    const producer = start();
    const send = () => producer.send({ topic, messages: messages(1) });
    expect(await send()).toEqual({ kind: 'acked' });
    await kafka().deleteTopic(topic);
    expect(await send()).toMatchObject({ kind: 'retry', trouble: 'topic' });
    await kafka().createTopic(topic);
    await waitFor(async () => (await send()).kind === 'acked', { what: 'a send to the new topic' });
  });

  test('a deleted topic spoils no sends to another, also when what is known of both is out of date', async () => {
    const [deleted, kept] = [await newTopic(), await newTopic()];
    const metadata = 100;
    const producer = start({}, { ...PATIENT, metadata });
    expect(await producer.send({ topic: deleted, messages: messages(1) })).toEqual({ kind: 'acked' });
    expect(await producer.send({ topic: kept, messages: messages(1) })).toEqual({ kind: 'acked' });
    await kafka().deleteTopic(deleted);
    for (const end = performance.now() + 10 * metadata; performance.now() < end; ) {
      expect(await producer.send({ topic: kept, messages: messages(1) })).toEqual({ kind: 'acked' });
    }
  });

  test.each(['stop', 'kill'] as const)(
    'a producer whose broker ended (%s) and came back goes on',
    async (end) => {
      const topic = await newTopic();
      const producer = start();
      expect(await producer.send({ topic, messages: messages(1) })).toEqual({ kind: 'acked' });
      await kafka()[end]();
      expect(await producer.send({ topic, messages: messages(1) })).toMatchObject({ kind: 'retry' });
      await kafka().restart();
      // A broker that is back answers before it leads all its topics again.
      const isAcked = async (): Promise<boolean> =>
        (await producer.send({ topic, messages: messages(1) })).kind === 'acked';
      await waitFor(isAcked, { what: 'a send after the restart' });
      expect(await kafka().readAll(topic)).toHaveLength(2);
    },
    60_000,
  );
}
