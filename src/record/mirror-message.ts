/** A record's JSON as a Kafka message: key, value, headers (DESIGN sections 5 and 6). */
import type { KafkaSettings } from './kafka-security.ts';
import type { MirrorMessage } from './mirror-batch.ts';
import type { KeptRecord } from './states.ts';

/** Version of the record format that the `outrider-schema` header names; the same as `schema` in the record. */
export const RECORD_SCHEMA = '1';

/**
 * @param recordJson the record as it may leave the process: redacted
 * @param kept       the same record as the spool has it: only its id, target and reason are used
 */
export function messageFor(recordJson: string, kept: KeptRecord, settings: Pick<KafkaSettings, 'key'>): MirrorMessage {
  return {
    key: keyOf(recordJson, kept, settings.key),
    value: Buffer.from(recordJson),
    headers: {
      'outrider-record-id': kept.id,
      'outrider-schema': RECORD_SCHEMA,
      'outrider-reason': kept.head.reason,
      'content-type': 'application/json',
    },
  };
}

/**
 * The header is taken from the redacted record, never from the original: a key leaves the process too. A request
 * without that header gets its id, so that such records spread over the partitions.
 */
function keyOf(recordJson: string, kept: KeptRecord, key: string): string {
  if (key === 'target') return kept.head.target;
  if (!key.startsWith('header:')) return kept.id;
  const name = key.slice('header:'.length).trim().toLowerCase();
  const { headers = {} }: { headers?: Readonly<Record<string, unknown>> } = JSON.parse(recordJson);
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  return value === undefined ? kept.id : String(value);
}
