/**
 * What the mirror asks of a Kafka client, and nothing of any particular one: `test/contract/producer.ts` holds every
 * implementation to this.
 */

export interface ProducerMessage {
  /** null: no key (the partition is then the client's choice). */
  readonly key: string | null;
  readonly value: Buffer | string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ProducerBatch {
  readonly topic: string;
  readonly messages: readonly ProducerMessage[];
}

/** What a failure is about, as far as that can be told: it decides what people are advised to do. */
export type Trouble =
  /** It is not there, or its name is none. */
  | 'topic'
  | 'rights'
  /** User or password. */
  | 'credentials'
  | 'certificate'
  /** TLS or SASL is spoken to a port that speaks something else. */
  | 'security'
  /** The broker closed the connection: it ended, or `security`. */
  | 'closed'
  /** Nobody answers there, or there is no such name. */
  | 'address'
  | 'replicas'
  /** A file of ours that can't be read. */
  | 'file'
  | 'other';

/** No secret is ever part of `message`. */
export type Failure =
  /** The broker's final word on this batch: the same batch would be refused again. `code` is Kafka's error name. */
  | { readonly kind: 'refused'; readonly code: string; readonly message: string; readonly trouble: Trouble }
  /** No verdict: nothing, or all of it, may have been written. Send the same batch again, later. */
  | { readonly kind: 'retry'; readonly message: string; readonly trouble: Trouble };

/** How a send ended. A send never rejects and always settles within the producer's own deadline. */
export type SendOutcome =
  /** Every in-sync replica has it (acks=all). */
  { readonly kind: 'acked' } | Failure;

export interface TopicInfo {
  readonly kind: 'topic';
  /** Of the partition that has the fewest. */
  readonly replicas: number;
  /** null: the broker does not tell this user. */
  readonly minInsyncReplicas: number | null;
}

export interface Producer {
  /** One at a time: throws when another send is pending. Connects when needed. */
  send(batch: ProducerBatch): Promise<SendOutcome>;
  /** Of the configured topic. May be called while a send is pending. */
  topicInfo(): Promise<TopicInfo | Failure>;
  /** Closes the connections; the next send opens new ones. Does nothing while a send is pending. */
  idle(): Promise<void>;
  /** Cuts the connections at once: a pending send settles as `retry`, later ones too. Repeatable. */
  close(): Promise<void>;
}

/** Where a part of the record folder says something to people. Fields are for machines, the message for both. */
export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

/** What a refusal is about, and so what helps: fewer or smaller records, leaving one out, or a person. */
export type RefusalScope = 'size' | 'record' | 'topic';

/**
 * Kafka's error names (https://kafka.apache.org/protocol#protocol_error_codes) that are final for a batch. Anything
 * else a broker or a client says is worth another try. INVALID_TIMESTAMP stands for a clock that is off, so for all
 * records; INVALID_RECORD for one that the topic's rules forbid.
 */
const REFUSALS: Readonly<Record<string, RefusalScope>> = {
  MESSAGE_TOO_LARGE: 'size',
  RECORD_LIST_TOO_LARGE: 'size',
  INVALID_RECORD: 'record',
  INVALID_TIMESTAMP: 'topic',
  INVALID_TOPIC_EXCEPTION: 'topic',
  TOPIC_AUTHORIZATION_FAILED: 'topic',
  CLUSTER_AUTHORIZATION_FAILED: 'topic',
  UNSUPPORTED_COMPRESSION_TYPE: 'topic',
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 'topic',
  POLICY_VIOLATION: 'topic',
};

/** null: not a final verdict. */
export function refusalScope(code: string): RefusalScope | null {
  return Object.hasOwn(REFUSALS, code) ? (REFUSALS[code] ?? null) : null;
}
