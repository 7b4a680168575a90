/** `kafka` of outrider.yaml: where failed exchanges are mirrored. */
import * as z from 'zod';
import { broker, filePath, later, tokenForm } from './field.ts';
import { shown } from './suggest.ts';
import { size } from './units.ts';

const kafkaKey = z.string().superRefine((key, context) => {
  const header = key.startsWith('header:') ? key.slice('header:'.length) : null;
  if (key === 'id' || key === 'target' || (header !== null && tokenForm.test(header))) return;
  context.addIssue(`found ${shown(key)}; allowed: id, target, header:NAME`);
});

export const kafka = z.strictObject({
  brokers: z.array(broker).prefault([]).describe('host:port of each broker; empty: no mirror.'),
  topic: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,249}$/, 'a topic has letters, digits, dots, _ and -, at most 249')
    .prefault('failed-requests')
    .describe('Topic for failed exchanges.'),
  key: kafkaKey.prefault('id').describe('Key of a record: id, target or header:NAME.'),
  clientId: z.string().min(1).prefault('outrider').describe('How the brokers see this client.'),
  compression: z.enum(['none', 'gzip']).prefault('gzip').describe('Of batches.'),
  maxRecordBytes: size({ min: 2 ** 12, max: 2 ** 30 })
    .prefault('900Ki')
    .describe('A larger record is mirrored without its body, and kept.'),
  tls: z
    .strictObject({
      enabled: z.boolean().prefault(false).describe('Connect with TLS.'),
      ca: filePath.describe('File with the authorities (PEM); empty: those of the system.'),
      cert: filePath.describe('File with a client certificate (PEM).'),
      key: filePath.describe('File with its private key (PEM).'),
    })
    .prefault({})
    .describe('TLS to the brokers.'),
  sasl: z
    .strictObject({
      mechanism: z.enum(['', 'plain', 'scram-sha-256', 'scram-sha-512']).prefault('').describe('Empty: no SASL.'),
      username: z.string().prefault('').describe('User name.'),
      passwordFile: filePath.describe('File with the password.'),
    })
    .prefault({})
    .describe('Who this client is.'),
  sealKeyFile: later(filePath, '').describe('Key shared with workers: originals travel sealed.'),
});
