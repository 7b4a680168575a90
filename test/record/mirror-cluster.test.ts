import { cleanUp } from '../helpers/cleanup.ts';
import { describeWithKafka, type KafkaForTest, startKafka, topicName } from '../helpers/kafka.ts';
import { waitFor } from '../helpers/wait.ts';
import { expectDelivered, type SpoolMirror, startSpoolMirror } from './mirror-fixtures.ts';

const PATIENCE_MS = 30_000;

describeWithKafka('the mirror to three brokers', { control: true }, () => {
  let kafka: KafkaForTest;
  beforeAll(async () => {
    kafka = await startKafka({ nodes: 3 });
  }, 120_000);

  /** The leader of the first partition comes first in the list of brokers. */
  const setUp = async (partitions: number, minInsync: number): Promise<{ topic: string; run: SpoolMirror }> => {
    const topic = topicName();
    await kafka.createTopic(topic, { partitions, replicas: 3, config: { 'min.insync.replicas': String(minInsync) } });
    const leader = await kafka.leaderOf(topic);
    const brokers = [...kafka.brokers.slice(leader), ...kafka.brokers.slice(0, leader)];
    return { topic, run: startSpoolMirror({ topic, brokers, key: 'header:x-tenant' }) };
  };

  test('leaders that are killed, hang and are told to end while records come: none is lost, each partition keeps its order', async () => {
    const { topic, run } = await setUp(3, 2);
    for (const signal of ['SIGKILL', 'SIGSTOP', 'SIGTERM'] as const) {
      run.keep(300);
      const leader = kafka.nodes[await kafka.leaderOf(topic)];
      if (signal === 'SIGSTOP') leader?.signal(signal);
      else await leader?.end(signal);
      // Some during the election, and some by the next leader.
      run.keep(300);
      const all = run.ids.length;
      const hasAll = (): boolean => run.mirror.stats().mirrored === all;
      await waitFor(hasAll, { what: `all to be mirrored after ${signal}`, timeoutMs: PATIENCE_MS });
      if (signal === 'SIGSTOP') leader?.signal('SIGCONT');
      else leader?.start();
      run.keep(50);
      await kafka.untilInSync(topic);
    }
    await run.drained();
    expectDelivered(run, await kafka.readAll(topic));
    expect(run.mirror.stats().up).toBe(true);
    expect(run.lines.filter((line) => line.includes('takes no records')).length).toBeLessThanOrEqual(6);
  }, 180_000);

  test('with fewer replicas in sync than the topic wants nothing counts as mirrored, and all comes when they are back', async () => {
    const { topic, run } = await setUp(1, 3);
    run.keep(10);
    await run.drained();
    const follower = kafka.nodes[((await kafka.leaderOf(topic)) + 1) % 3];
    follower?.signal('SIGSTOP');
    cleanUp(() => follower?.signal('SIGCONT'));
    run.keep(50);
    const isTold = (): boolean => run.mirror.stats().lastError.includes('NOT_ENOUGH_REPLICAS');
    await waitFor(isTold, { what: 'the verdict of the leader', timeoutMs: PATIENCE_MS });
    expect(run.mirror.stats()).toMatchObject({ up: false, mirrored: 10 });
    expect(run.mirror.stats().lastError).toContain(`too few replicas of topic ${topic} are in sync`);
    expect(run.spool.waiting(0, 100)).toHaveLength(50);
    follower?.signal('SIGCONT');
    await run.drained();
    expectDelivered(run, await kafka.readAll(topic));
  }, 120_000);
});
