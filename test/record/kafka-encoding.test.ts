import { createRequire } from 'node:module';
import kafkajs from 'kafkajs';
import { createFastPartitioner } from '../../src/record/kafka-partitioner.ts';
import { encodeRecord, type RecordToEncode, useFastRecords } from '../../src/record/kafka-record.ts';

type Encode = (record: RecordToEncode) => { readonly buffer: Buffer };

const require = createRequire(import.meta.url);
const MODULE = 'kafkajs/src/protocol/recordBatch/record/v0';
// Before anything here takes its place.
const byKafkajs: Encode = require(MODULE);

/** The same sequence each time. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

function textOf(length: number, next: (below: number) => number): string {
  const letters = ['a', 'Z', '0', ' ', 'ü', '€', '😀', '\n'];
  return Array.from({ length }, () => letters[next(letters.length)]).join('');
}

describe('a record', () => {
  test('is encoded to the byte as kafkajs does it: 2,000 of all sizes', () => {
    const next = numbersFrom(7);
    for (let round = 0; round < 2_000; round += 1) {
      const length = round < 1_900 ? next(300) : next(70_000);
      const headers = Array.from({ length: next(6) }, (_, at) => [`name-${at}`, textOf(next(150), next)] as const);
      const record: RecordToEncode = {
        offsetDelta: next(20_000),
        key: [null, '', textOf(next(100), next), Buffer.from(textOf(20, next))][next(4)] ?? null,
        value: [textOf(length, next), Buffer.alloc(length, round)][next(2)] ?? null,
        headers: Object.fromEntries(headers),
      };
      expect(encodeRecord(record)?.buffer.equals(byKafkajs(record).buffer)).toBe(true);
    }
  });

  test.each<RecordToEncode>([
    { value: 'x' },
    { value: null, key: 'gone' },
    { value: Buffer.alloc(1_048_576, 1), key: null, headers: {} },
  ])('at the edges too', (record) => {
    expect(encodeRecord(record)?.buffer.equals(byKafkajs(record).buffer)).toBe(true);
  });

  test.each<RecordToEncode>([
    { value: 'x', timestampDelta: 5 },
    { value: 'x', headers: { name: ['a', 'b'] } },
    { value: 'x', headers: { name: Buffer.from('a') } },
  ])('of a kind that is never sent is left to kafkajs', (record) => {
    expect(encodeRecord(record)).toBeNull();
    useFastRecords();
    const inPlace: Encode = require(MODULE);
    expect(inPlace(record).buffer).toEqual(byKafkajs(record).buffer);
  });

  test('is encoded so by the installed kafkajs', () => {
    expect(useFastRecords()).toBe(true);
    expect(useFastRecords()).toBe(true);
    expect(require(MODULE)).not.toBe(byKafkajs);
  });
});

describe('a partition', () => {
  const fast = createFastPartitioner(kafkajs.Partitioners.DefaultPartitioner)();
  const slow = kafkajs.Partitioners.DefaultPartitioner();

  test('of a key is the one that kafkajs and Java choose: 5,000 keys', () => {
    const next = numbersFrom(11);
    for (let round = 0; round < 5_000; round += 1) {
      const partitionMetadata = Array.from({ length: 1 + next(50) }, (_, partitionId) => metadataOf(partitionId));
      const args = { topic: 't', partitionMetadata, message: { key: textOf(next(60), next), value: '' } };
      expect(fast(args)).toBe(slow(args));
    }
  });

  test('of records without a key is each in turn', () => {
    const partitionMetadata = [0, 1, 2].map(metadataOf);
    const chosen = Array.from({ length: 6 }, () => fast({ topic: 't', partitionMetadata, message: { value: '' } }));
    expect(chosen.toSorted()).toEqual([0, 0, 1, 1, 2, 2]);
  });
});

function metadataOf(partitionId: number) {
  return { partitionErrorCode: 0, partitionId, leader: 1, replicas: [1], isr: [1] };
}
