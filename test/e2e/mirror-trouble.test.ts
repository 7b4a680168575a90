import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { outrider as runOutrider } from '../helpers/cli.ts';
import { describeWithKafka, type KafkaForTest, startKafka, topicName } from '../helpers/kafka.ts';
import { answering, startTarget } from '../helpers/node-target.ts';
import { type Outrider, startOutrider } from '../helpers/outrider.ts';
import { closedPort } from '../helpers/ports.ts';
import { waitFor } from '../helpers/wait.ts';

const LOGIN = 'org.apache.kafka.common.security';
const SASL = 'listener.name.sasl_plaintext';
const PASSWORDS = { plain: 'bob-s3cret', 'scram-sha-512': 'carol-s3cret' } as const;

let kafka: KafkaForTest;

async function start(settings: Readonly<Record<string, unknown>>): Promise<Outrider> {
  const target = await startTarget(answering(200, 'fine'));
  return startOutrider({
    outrider: { kafka: { brokers: kafka.brokers, ...settings } },
    routes: {
      targets: { up: target.url, down: `http://127.0.0.1:${await closedPort()}` },
      rules: [{ name: 'live', match: { paths: ['/live'] }, target: 'up' }],
      default: 'down',
    },
  });
}

async function get(url: string, init: RequestInit = {}): Promise<{ status: number; text: string; id: string }> {
  const answer = await fetch(url, { ...init, headers: { connection: 'close', ...init.headers } });
  return { status: answer.status, text: await answer.text(), id: answer.headers.get('outrider-record') ?? '' };
}

const told = (outrider: Outrider): string[] =>
  outrider.logs.map(({ msg }) => msg).filter((msg) => msg.includes('takes no records'));

/** Before any record waits there is one line that says all of that; what is not Kafka's works. */
async function expectOnlyTheMirrorIsDown(outrider: Outrider, ...parts: string[]): Promise<void> {
  await waitFor(() => told(outrider).length > 0, { what: 'the line', timeoutMs: 20_000 });
  for (const part of parts) expect(told(outrider)[0]).toContain(part);
  expect(await get(`${outrider.url}/live`)).toMatchObject({ status: 200, text: 'fine' });
  const failed = await get(`${outrider.url}/orders`, { method: 'POST', body: 'order=7' });
  expect(failed.id).not.toBe('');
  expect(await outrider.record(failed.id)).toMatchObject({ body: 'order=7', state: 'held', mirror: 'waiting' });
  const ready = await get(`${outrider.metricsUrl}/readyz?verbose`);
  expect(ready.status).toBe(200);
  for (const part of parts) expect(ready.text).toContain(part);
  const metrics = await outrider.metrics();
  expect(metrics.value('outrider_mirror_up')).toBe(0);
  expect(metrics.value('outrider_mirror_pending_records')).toBe(1);
  expect(told(outrider)).toHaveLength(1);
}

/** After the mistake was mended, without a restart. */
async function expectItFlows(outrider: Outrider, topic: string): Promise<void> {
  const isMirrored = async (): Promise<boolean> => (await outrider.metrics()).value('outrider_mirror_up') === 1;
  await waitFor(isMirrored, { what: 'the mirror to be up', timeoutMs: 30_000 });
  expect(await kafka.readAll(topic)).toHaveLength(1);
  expect(told(outrider)).toHaveLength(1);
  expect(outrider.logs.filter(({ msg }) => msg.includes('takes records again'))).toHaveLength(1);
}

describeWithKafka('a mirror that is set up wrongly', { control: true }, () => {
  beforeAll(async () => {
    kafka = await startKafka({
      listeners: ['SASL_PLAINTEXT'],
      formatArgs: ['--add-scram', `SCRAM-SHA-512=[name=carol,password=${PASSWORDS['scram-sha-512']}]`],
      properties: {
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
        [`${SASL}.plain.sasl.jaas.config`]: `${LOGIN}.plain.PlainLoginModule required user_bob="${PASSWORDS.plain}";`,
        [`${SASL}.scram-sha-512.sasl.jaas.config`]: `${LOGIN}.scram.ScramLoginModule required;`,
      },
    });
  }, 120_000);

  test('a topic that is not there: one line, traffic and captures go on, and the record flows once it is there', async () => {
    const topic = topicName();
    const outrider = await start({ topic });
    const [broker = ''] = kafka.brokers;
    await expectOnlyTheMirrorIsDown(outrider, 'UNKNOWN_TOPIC_OR_PARTITION', broker, `create topic ${topic}`);
    await kafka.createTopic(topic);
    await expectItFlows(outrider, topic);
  }, 90_000);

  test.each([
    ['plain', 'bob'],
    ['scram-sha-512', 'carol'],
  ] as const)(
    'a wrong password (%s): one line that does not have it, and a corrected file is taken without a restart',
    async (mechanism, username) => {
      const topic = topicName();
      await kafka.createTopic(topic);
      const passwordFile = join(temporaryFolder(), 'password');
      writeFileSync(passwordFile, 'wr0ng-pass\n');
      const brokers = [kafka.listeners.SASL_PLAINTEXT ?? ''];
      const outrider = await start({ topic, brokers, sasl: { mechanism, username, passwordFile } });
      await expectOnlyTheMirrorIsDown(outrider, 'authentication failed', brokers[0] ?? '', 'correct kafka.sasl');
      writeFileSync(passwordFile, PASSWORDS[mechanism]);
      await expectItFlows(outrider, topic);
      const config = await get(`${outrider.adminUrl}/api/config`);
      const exits = [JSON.stringify(outrider.logs), outrider.stderr, config.text];
      for (const exit of exits) {
        expect(exit).not.toContain('wr0ng-pass');
        expect(exit).not.toContain(PASSWORDS[mechanism]);
      }
    },
    90_000,
  );

  test('TLS to a port without it: one line, and a reload without it is taken', async () => {
    const topic = topicName();
    await kafka.createTopic(topic);
    const outrider = await start({ topic, tls: { enabled: true } });
    await expectOnlyTheMirrorIsDown(
      outrider,
      'TLS',
      kafka.brokers[0] ?? '',
      'make kafka.tls and kafka.sasl what these',
    );
    outrider.editConfig({ kafka: { brokers: kafka.brokers, topic } });
    await waitFor(async () => (await kafka.count(topic)) === 1, { what: 'the record', timeoutMs: 30_000 });
    expect((await outrider.metrics()).value('outrider_mirror_up')).toBe(1);
  }, 90_000);

  test('what the topic refuses even without its body is parked with the reason, listed, and the rest flow', async () => {
    const topic = topicName();
    await kafka.createTopic(topic, { config: { 'max.message.bytes': '6000' } });
    const outrider = await start({ topic, compression: 'none', maxRecordBytes: '4Ki' });
    const small = await get(`${outrider.url}/a`, { method: 'POST', body: 'small' });
    const noRoom = await get(`${outrider.url}/b?${'x'.repeat(8_000)}`, { method: 'POST', body: 'large head' });
    const large = await get(`${outrider.url}/c`, { method: 'POST', body: 'y'.repeat(5_000) });
    const last = await get(`${outrider.url}/d`, { method: 'POST', body: 'small again' });
    await waitFor(async () => (await kafka.count(topic)) === 3, { what: 'three records', timeoutMs: 30_000 });
    const values = (await kafka.readAll(topic)).map(({ value }) => JSON.parse(value));
    expect(values.map(({ id, body, body_omitted }) => [id, body, body_omitted])).toEqual([
      [small.id, 'small', false],
      [large.id, '', true],
      [last.id, 'small again', false],
    ]);
    const [parked, ...others] = await outrider.records({ mirror: 'parked' });
    expect(others).toEqual([]);
    expect(parked).toMatchObject({
      id: noRoom.id,
      state: 'held',
      mirror_reason: expect.stringContaining('MESSAGE_TOO'),
    });
    // The only copy of its body.
    expect(await outrider.record(large.id)).toMatchObject({ mirror: 'mirrored', body: 'y'.repeat(5_000) });
    const { host } = new URL(outrider.adminUrl);
    const listed = await runOutrider(['records', '--admin', host, '--mirror', 'parked']);
    expect(listed.stdout).toContain(noRoom.id);
    expect(listed.stdout).not.toContain(large.id);
    expect((await outrider.metrics()).value('outrider_mirror_up')).toBe(1);
  }, 90_000);
});
