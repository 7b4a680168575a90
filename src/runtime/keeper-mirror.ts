/** The mirror, put together: loaded only when the configuration names brokers. */
import { readFileSync } from 'node:fs';
import type { ProcessSettings } from '../exchange.ts';
import { createKafkaProducer } from '../record/kafka-producer.ts';
import { createMirror, type Mirror, messageFor } from '../record/mirror.ts';
import type { OutriderRecord } from '../record/record.ts';
import type { Spool } from '../record/spool.ts';
import type { KeptRecord } from '../record/states.ts';
import type { KeeperLog } from '../watch/log.ts';

export function startMirror(
  spool: Spool,
  settings: ProcessSettings['kafka'],
  keeperLog: KeeperLog,
  toRecord: (kept: KeptRecord, body: Uint8Array | null) => OutriderRecord,
): Mirror {
  const log = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields = {}): void =>
    keeperLog.log(level, fields, message);
  const readFile = (path: string): string => readFileSync(path, 'utf8');
  return createMirror({
    source: spool,
    producer: createKafkaProducer(settings, { readFile, log }),
    settings,
    toMessage: (kept, body) => messageFor(JSON.stringify(toRecord(kept, body)), kept, settings),
    onState: () => undefined,
    log,
  });
}
