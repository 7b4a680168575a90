/** The contract on ports with TLS and SASL: who is let in, and what is said when somebody is not. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KafkaSettings } from '../../src/record/kafka-security.ts';
import { makeCertificates } from '../helpers/certificates.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { messages, PATIENT, type Setting } from './fixtures.ts';

type Mechanism = Exclude<KafkaSettings['sasl']['mechanism'], ''>;
const NO_TLS = { enabled: false, ca: '', cert: '', key: '' } as const;

export function describeSecurity({ kafka, certificates, start, newTopic, logged }: Setting): void {
  const at = (listener: string): string[] => [kafka().listeners[listener] ?? ''];
  const secured = (mechanism: Mechanism, username: string, password: string): Partial<KafkaSettings> => {
    const passwordFile = join(temporaryFolder(), 'password');
    writeFileSync(passwordFile, `${password}\n`);
    return {
      brokers: at('SASL_SSL'),
      tls: { enabled: true, ca: certificates().ca, cert: '', key: '' },
      sasl: { mechanism, username, passwordFile },
    };
  };

  test.each([
    ['plain', 'bob', 'bob-secret'],
    ['scram-sha-256', 'dave', 'dave-secret'],
    ['scram-sha-512', 'carol', 'carol-secret'],
  ] as const)('%s: the password of the file is taken, without its newline', async (mechanism, username, password) => {
    const topic = await newTopic();
    const outcome = await start(secured(mechanism, username, password)).send({ topic, messages: messages(1) });
    expect(outcome).toEqual({ kind: 'acked' });
  });

  test('SASL without TLS', async () => {
    const settings = { ...secured('scram-sha-256', 'dave', 'dave-secret'), tls: NO_TLS, brokers: at('SASL_PLAINTEXT') };
    expect(await start(settings).send({ topic: await newTopic(), messages: messages(1) })).toEqual({ kind: 'acked' });
  });

  test('TLS without SASL: a certificate of ours says who we are, and without one nobody is let in', async () => {
    const { ca, client } = certificates();
    const topic = await newTopic();
    const tls = { enabled: true, ca, ...client };
    const known = start({ brokers: at('SSL'), tls });
    expect(await known.send({ topic, messages: messages(1) })).toEqual({ kind: 'acked' });
    const unknown = start({ brokers: at('SSL'), tls: { ...tls, cert: '', key: '' } });
    expect(await unknown.send({ topic, messages: messages(1) })).toMatchObject({ kind: 'retry' });
  });

  test.each([
    ['plain', 'bob', 'bob-secret'],
    ['scram-sha-256', 'dave', 'dave-secret'],
    ['scram-sha-512', 'carol', 'carol-secret'],
  ] as const)(
    '%s: a wrong password is to be tried again, is told nowhere, and a corrected file is taken',
    async (mechanism, username, password) => {
      const topic = await newTopic();
      const settings = secured(mechanism, username, 'wr0ng-pass');
      const producer = start({ ...settings, topic });
      const outcome = await producer.send({ topic, messages: messages(1) });
      expect(outcome).toMatchObject({ kind: 'retry', trouble: 'credentials' });
      const look = await producer.topicInfo();
      expect(look).toMatchObject({ kind: 'retry', trouble: 'credentials' });
      writeFileSync(settings.sasl?.passwordFile ?? '', password);
      expect(await producer.send({ topic, messages: messages(1) })).toEqual({ kind: 'acked' });
      const told = JSON.stringify([outcome, look]) + logged();
      for (const secret of ['wr0ng-pass', password]) {
        expect(told).not.toContain(secret);
        expect(told).not.toContain(Buffer.from(secret).toString('base64').replace(/=+$/, ''));
      }
    },
  );

  test.each([
    ['TLS to a port without', 'PLAINTEXT', { enabled: true, ca: '', cert: '', key: '' }, false, /closed|security/],
    ['no TLS to a port with it', 'SASL_SSL', NO_TLS, true, /closed|security/],
    ['SASL to a port without', 'PLAINTEXT', NO_TLS, true, /security/],
    ['no SASL to a port with it', 'SASL_PLAINTEXT', NO_TLS, false, /closed|security/],
  ] as const)('%s is told as such', async (_, listener, tls, withSasl, trouble) => {
    const { sasl = { mechanism: '', username: '', passwordFile: '' } } = withSasl
      ? secured('plain', 'bob', 'bob-secret')
      : {};
    const brokers = listener === 'PLAINTEXT' ? kafka().brokers : at(listener);
    const began = performance.now();
    const outcome = await start({ brokers, tls, sasl }).send({ topic: await newTopic(), messages: messages(1) });
    expect(outcome).toMatchObject({ kind: 'retry', trouble: expect.stringMatching(trouble) });
    expect(performance.now() - began).toBeLessThan(PATIENT.deadline);
  });

  test('a user without the right to write is refused', async () => {
    const producer = start(secured('plain', 'eve', 'eve-secret'));
    const outcome = await producer.send({ topic: await newTopic(), messages: messages(1) });
    expect(outcome).toMatchObject({ kind: 'refused', code: 'TOPIC_AUTHORIZATION_FAILED', trouble: 'rights' });
  });

  test('a broker of another CA is not trusted', async () => {
    const other = makeCertificates();
    const settings = {
      ...secured('plain', 'bob', 'bob-secret'),
      tls: { enabled: true, ca: other.ca, cert: '', key: '' },
    };
    const outcome = await start(settings).send({ topic: await newTopic(), messages: messages(1) });
    expect(outcome).toMatchObject({
      kind: 'retry',
      trouble: 'certificate',
      message: expect.stringContaining('certificate'),
    });
  });

  test('a password file that is not there is told by name', async () => {
    const settings = {
      ...secured('plain', 'bob', 'x'),
      sasl: { mechanism: 'plain', username: 'bob', passwordFile: '/no/such' },
    } as const;
    const outcome = await start(settings).send({ topic: await newTopic(), messages: messages(1) });
    expect(outcome).toMatchObject({ kind: 'retry', trouble: 'file', message: expect.stringContaining('/no/such') });
  });
}
