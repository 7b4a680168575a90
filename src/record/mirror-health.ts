/** How the mirror is: what it counts, and what it tells people, once for each trouble of an outage. */
import type { KafkaSettings } from './kafka-security.ts';
import type { Failure, Log, Trouble } from './producer.ts';
import type { KeptRecord } from './states.ts';

export interface MirrorStats {
  /** False from the first failed send, or a failed look at the topic, until the next that goes well. */
  readonly up: boolean;
  /** Records, since this mirror was made. */
  readonly mirrored: number;
  readonly parked: number;
  /** Records in sends that failed, each time (they are sent again), and records whose body could not be read. */
  readonly failed: number;
  /** The latest, also after it has passed; '' when there was none. */
  readonly lastError: string;
}

export interface MirrorHealthOptions {
  readonly settings: Pick<KafkaSettings, 'topic' | 'brokers'>;
  /** Called when `up` changes. */
  readonly onState: (state: MirrorStats) => void;
  readonly log: Log;
}

/** What to do about it; '' where time alone helps. */
const ADVICE: Readonly<Record<Trouble, (topic: string) => string>> = {
  topic: (topic) => `create topic ${topic} with 3 replicas and min.insync.replicas=2, or correct kafka.topic`,
  rights: (topic) => `give the user of kafka.sasl the rights Write and Describe on topic ${topic}`,
  credentials: () => 'correct kafka.sasl; its password file is read again for each new connection',
  certificate: () => 'correct kafka.tls: ca must be of the CA that signed the certificate of these brokers',
  security: () => 'make kafka.tls and kafka.sasl what these ports expect',
  closed: () => 'if it stays so, make kafka.tls and kafka.sasl what these ports expect',
  address: () => 'if it stays so, correct kafka.brokers, or let this pod connect to them',
  replicas: (topic) => `too few replicas of topic ${topic} are in sync: bring their brokers back`,
  file: () => 'correct the path in kafka.tls or kafka.sasl, or its rights',
  other: () => '',
};

/** Those that only a person ends: also told when an outage began with something else. */
const FOR_PEOPLE: ReadonlySet<Trouble> = new Set(['topic', 'rights', 'credentials', 'certificate', 'security', 'file']);

export class MirrorHealth {
  stats: MirrorStats = { up: true, mirrored: 0, parked: 0, failed: 0, lastError: '' };
  failuresInRow = 0;
  readonly #options: MirrorHealthOptions;
  readonly #told = new Set<Trouble>();

  constructor(options: MirrorHealthOptions) {
    this.#options = options;
  }

  mirrored(records: number): void {
    this.stats = { ...this.stats, mirrored: this.stats.mirrored + records };
    this.isUp();
  }

  parked({ id }: Pick<KeptRecord, 'id'>, cause: string): void {
    this.stats = { ...this.stats, parked: this.stats.parked + 1 };
    this.#options.log('warn', 'mirror: a record was parked, it stays in the spool', { id, cause });
  }

  unreadable({ id }: KeptRecord, cause: string): void {
    this.stats = { ...this.stats, failed: this.stats.failed + 1, lastError: cause };
    this.#options.log('error', 'mirror: the body of a record could not be read', { id, cause });
  }

  /** Kafka did not take so many records. */
  kafkaFailed(failure: Failure, records: number): void {
    const { topic, brokers } = this.#options.settings;
    const isNews = this.stats.up || (FOR_PEOPLE.has(failure.trouble) && !this.#told.has(failure.trouble));
    this.#told.add(failure.trouble);
    const advice = ADVICE[failure.trouble](topic);
    const text = `${failure.message} (topic ${topic} at ${brokers.join(', ')})${advice === '' ? '' : `: ${advice}`}`;
    if (isNews) {
      const fields = { cause: failure.message, topic, brokers };
      this.#options.log('warn', `mirror: Kafka takes no records, they wait in the spool: ${text}`, fields);
    }
    this.#isDown(text, records);
  }

  /** The spool gave no records, or did not mark those that Kafka has. */
  spoolFailed(cause: string): void {
    if (this.stats.up) this.#options.log('warn', 'mirror: the spool fails, records wait in it', { cause });
    this.#isDown(cause, 0);
  }

  isUp(): void {
    this.failuresInRow = 0;
    this.#told.clear();
    if (this.stats.up) return;
    this.stats = { ...this.stats, up: true };
    this.#options.log('info', 'mirror: Kafka takes records again');
    this.#options.onState(this.stats);
  }

  #isDown(lastError: string, records: number): void {
    const { up, failed } = this.stats;
    this.failuresInRow += 1;
    this.stats = { ...this.stats, up: false, failed: failed + records, lastError };
    if (up) this.#options.onState(this.stats);
  }
}
