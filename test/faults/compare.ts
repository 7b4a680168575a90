/** The model against spool ∪ Kafka. */
import { sha256 } from '../e2e/data.ts';
import type { KafkaForTest } from '../helpers/kafka.ts';
import type { Ambassador } from './ambassador.ts';
import type { Model, Promised } from './model.ts';
import { requestFromUri, requestOf } from './requests.ts';
import { type PublishedRecord, readRecords } from './topic.ts';

export interface Comparison {
  /** Promised and nowhere, or there without what was promised of it. */
  readonly lost: readonly string[];
  /** There, but of no request that was sent, with another body, or a second record of one request. */
  readonly invented: readonly string[];
  /** Pairs of one caller that came to the topic in the other order. */
  readonly disordered: readonly string[];
  readonly inTopic: number;
  readonly duplicates: number;
  /** Records in the spool that the topic does not have whole. */
  readonly onlyInSpool: number;
  /** Different ids in both. */
  readonly records: number;
  readonly partial: number;
}

interface Found {
  readonly key: string;
  /** Place of its first copy in the topic; null: only in the spool. */
  readonly at: number | null;
  whole: boolean;
  /** The spool has its body, the topic does not. */
  omitted: boolean;
}

interface SpoolRecord extends PublishedRecord {
  readonly state: string;
}

export class Comparer {
  readonly #seed: number;
  readonly #model: Model;
  readonly #found = new Map<string, Found>();
  readonly #idOf = new Map<string, string>();
  readonly #invented: string[] = [];
  readonly #lost: string[] = [];
  #inTopic = 0;
  #duplicates = 0;
  #onlyInSpool = 0;

  constructor(seed: number, model: Model) {
    this.#seed = seed;
    this.#model = model;
  }

  async compare(ambassador: Ambassador, kafka: KafkaForTest, topic: string): Promise<Comparison> {
    for await (const record of readRecords(kafka, topic)) this.#published(record);
    for await (const { id } of spoolRecords(ambassador)) {
      const found = this.#found.get(id);
      if (found === undefined || found.omitted) await this.#kept(ambassador, id);
    }
    for (const promised of this.#model.promised) this.#checkPromise(promised);
    for (const [id, { omitted }] of this.#found) if (omitted) this.#lost.push(`${id}: its body is nowhere`);
    return {
      lost: this.#lost,
      invented: this.#invented,
      disordered: this.#disordered(),
      inTopic: this.#inTopic,
      duplicates: this.#duplicates,
      onlyInSpool: this.#onlyInSpool,
      records: this.#found.size,
      partial: [...this.#found.values()].filter(({ whole }) => !whole).length,
    };
  }

  #published(record: PublishedRecord): void {
    this.#inTopic += 1;
    if (this.#found.has(record.id)) this.#duplicates += 1;
    else this.#add(record, this.#inTopic, record.body_omitted);
  }

  async #kept(ambassador: Ambassador, id: string): Promise<void> {
    const record = await ambassador.get<SpoolRecord>(`/api/records/${id}`);
    // Released since the list was made; the topic has it whole, or it is missed below.
    if (record === null) return;
    this.#onlyInSpool += 1;
    if (record.state !== 'held') this.#lost.push(`${id}: in the spool as ${record.state}`);
    const found = this.#found.get(id);
    if (found === undefined) this.#add(record, null, false);
    else if (this.#hasItsBody(record)) found.omitted = false;
  }

  #add(record: PublishedRecord, at: number | null, omitted: boolean): void {
    const { id, uri } = record;
    const request = requestFromUri(uri);
    if (request === null || request.n >= this.#model.sent[request.lane]) {
      this.#invented.push(`${id}: ${uri} was never asked for`);
      return;
    }
    const other = this.#idOf.get(uri);
    if (other !== undefined) this.#invented.push(`${id} and ${other}: two records of ${uri}`);
    this.#idOf.set(uri, id);
    const whole = !record.body_truncated;
    if (whole && !omitted && !this.#hasItsBody(record)) this.#invented.push(`${id}: a body that ${uri} did not have`);
    this.#found.set(id, { key: uri, at, whole, omitted });
  }

  #hasItsBody({ uri, body, body_encoding, body_omitted }: PublishedRecord): boolean {
    const request = requestFromUri(uri);
    if (request === null || body_omitted) return false;
    const bytes = Buffer.from(body, body_encoding === 'base64' ? 'base64' : 'utf8');
    return sha256(bytes) === sha256(requestOf(this.#seed, request.lane, request.n).body);
  }

  #checkPromise({ id, lane, n, partial }: Promised): void {
    const found = this.#found.get(id);
    if (found === undefined) this.#lost.push(`${id}: promised for /${lane}/${n}, and nowhere`);
    else if (found.key !== `/${lane}/${n}`) this.#invented.push(`${id}: promised for /${lane}/${n}, is ${found.key}`);
    else if (!found.whole && !partial) this.#lost.push(`${id}: promised whole, and is there without all of its body`);
  }

  /** What one caller was promised first is first in the topic; a spool that changed its file meanwhile is left out. */
  #disordered(): string[] {
    const last = new Map<string, { readonly id: string; readonly at: number }>();
    const disordered: string[] = [];
    for (const { id, caller, epoch } of this.#model.promised) {
      const at = this.#found.get(id)?.at ?? null;
      if (at === null || epoch === null || epoch % 2 === 1) continue;
      const before = last.get(`${caller} ${epoch}`);
      if (before !== undefined && before.at > at) disordered.push(`${id} came before ${before.id}`);
      last.set(`${caller} ${epoch}`, { id, at });
    }
    return disordered;
  }
}

/** Newest first, without their bodies. */
async function* spoolRecords(ambassador: Ambassador): AsyncGenerator<SpoolRecord> {
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const page: { records: SpoolRecord[]; next: string | null } | null = await ambassador.get(
      `/api/records?limit=500${query}`,
    );
    yield* page?.records ?? [];
    cursor = page?.next ?? null;
  }
}
