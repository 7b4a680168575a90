/** TLS and SASL of the connections to Kafka, as kafkajs takes them. */
import type { KafkaConfig } from 'kafkajs';
import type { ProcessSettings } from '../settings.ts';

export type KafkaSettings = ProcessSettings['kafka'];

/** The text of a file: CA, certificate, key (PEM) or password. */
export type ReadFile = (path: string) => string | Promise<string>;

/** Reads every file anew. Throws what `readFile` throws. */
export async function securityOf(
  { tls, sasl }: KafkaSettings,
  readFile: ReadFile,
): Promise<Pick<KafkaConfig, 'ssl' | 'sasl'>> {
  const security: Pick<KafkaConfig, 'ssl' | 'sasl'> = {};
  if (tls.enabled) {
    security.ssl = {
      ...(tls.ca === '' ? {} : { ca: await readFile(tls.ca) }),
      ...(tls.cert === '' ? {} : { cert: await readFile(tls.cert) }),
      ...(tls.key === '' ? {} : { key: await readFile(tls.key) }),
    };
  }
  if (sasl.mechanism !== '') {
    // Secrets written by editors and `echo` end in a newline that is not part of them.
    const password = (await readFile(sasl.passwordFile)).replace(/\r?\n$/, '');
    security.sasl = saslOf(sasl.mechanism, sasl.username, password);
  }
  return security;
}

type Mechanism = Exclude<KafkaSettings['sasl']['mechanism'], ''>;

/** kafkajs types each mechanism apart. */
function saslOf(mechanism: Mechanism, username: string, password: string): NonNullable<KafkaConfig['sasl']> {
  switch (mechanism) {
    case 'plain':
      return { mechanism, username, password };
    case 'scram-sha-256':
      return { mechanism, username, password };
    case 'scram-sha-512':
      return { mechanism, username, password };
  }
}
