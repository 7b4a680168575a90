/** Made-up secrets of each family of `patterns`, and texts that look like them and are none, from a seed. */

/** One secret, in the text in which it may stand. */
export interface Sample {
  readonly family: string;
  readonly secret: string;
  readonly text: string;
}

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';
const ALNUM = `${LOWER}${LOWER.toUpperCase()}${DIGITS}`;

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

class Maker {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  below = (limit: number): number => Math.floor(this.#random() * limit);
  pick = <T>(list: readonly T[], fallback: T): T => list[this.below(list.length)] ?? fallback;
  text = (alphabet: string, length: number): string =>
    Array.from({ length }, () => alphabet[this.below(alphabet.length)]).join('');
  base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

  bearer(): string {
    const length = 16 + this.below(60);
    return this.pick([this.text(`${ALNUM}-._~+/`, length), `${this.below(999)}|${this.text(ALNUM, length)}`], '');
  }

  jwt(): string {
    const header = this.base64url({ alg: this.pick(['HS256', 'RS256', 'ES384'], ''), typ: 'JWT' });
    const claims = this.base64url({ sub: this.text(DIGITS, 10), name: this.text(LOWER, 8), exp: this.below(2e9) });
    return `${header}.${claims}.${this.text(`${ALNUM}-_`, 43)}`;
  }

  privateKey(): string {
    const kind = this.pick(['', 'RSA ', 'EC ', 'DSA ', 'OPENSSH ', 'ENCRYPTED '], '');
    const lines = Array.from({ length: 4 + this.below(20) }, () => this.text(`${ALNUM}+/`, 64));
    return `-----BEGIN ${kind}PRIVATE KEY-----\n${lines.join('\n')}\n-----END ${kind}PRIVATE KEY-----`;
  }

  awsId(): string {
    return this.pick(['AKIA', 'ASIA', 'ABIA', 'ACCA'], '') + this.text(`${LOWER.toUpperCase()}234567`, 16);
  }

  card(): string {
    const [prefix, length] = this.pick(
      [
        ['4', 16],
        ['51', 16],
        ['55', 16],
        ['2720', 16],
        ['34', 15],
        ['37', 15],
        ['6011', 16],
        ['65', 16],
        ['36', 14],
        ['3530', 16],
      ],
      ['4', 16] as const,
    );
    const digits = String(prefix) + this.text(DIGITS, Number(length) - String(prefix).length - 1);
    return digits + checkDigit(digits);
  }

  /** As people write it. */
  cardText(digits: string): string {
    const separator = this.pick(['', ' ', '-'], '');
    const groups = digits.length === 16 ? [4, 4, 4, 4] : digits.length === 15 ? [4, 6, 5] : [4, 6, 4];
    let at = 0;
    const parts = groups.map((length) => {
      at += length;
      return digits.slice(at - length, at);
    });
    return parts.join(separator);
  }
}

/** The digit that makes the sum of ISO/IEC 7812-1 annex B end in 0. */
function checkDigit(digits: string): string {
  let sum = 0;
  for (let i = 0; i < digits.length; i += 1) {
    const digit = Number(digits[digits.length - 1 - i]);
    const doubled = i % 2 === 0 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return String((10 - (sum % 10)) % 10);
}

const FRAMES: readonly ((secret: string) => string)[] = [
  (secret) => secret,
  (secret) => `before ${secret} after`,
  (secret) => `ref=12, value: ${secret}; end`,
  (secret) => `(${secret})`,
  (secret) => `line one\nx\t${secret}\nline three`,
];

/** `many` of each family. */
export function secretSamples(seed: number, many: number): Sample[] {
  const make = new Maker(seed);
  const families: Readonly<Record<string, () => readonly [secret: string, text: string]>> = {
    bearer: () => {
      const secret = make.bearer();
      return [secret, `${make.pick(['Bearer', 'bearer', 'BEARER'], '')} ${secret}`];
    },
    basic: () => {
      const secret = Buffer.from(`${make.text(LOWER, 6)}:${make.text(ALNUM, 12)}`).toString('base64');
      return [secret, `Basic ${secret}`];
    },
    jwt: () => twice(make.jwt()),
    'private-key': () => twice(make.privateKey()),
    'encoded private-key': () => twice(Buffer.from(make.privateKey()).toString('base64')),
    'aws-key id': () => twice(make.awsId()),
    'aws-key secret': () => {
      const secret = make.text(`${ALNUM}/+`, 40);
      const name = make.pick(
        ['aws_secret_access_key = ', 'AWS_SECRET_KEY=', 'secretAccessKey: "', 'SecretAccessKey>'],
        '',
      );
      return [secret, name + secret];
    },
    'card-number': () => {
      const text = make.cardText(make.card());
      return [text, `${text}${make.pick(['', ' 12/27', ' exp 01/30', ', cvv 123'], '')}`];
    },
  };
  return Object.entries(families).flatMap(([family, sample]) =>
    Array.from({ length: many }, () => {
      const [secret, text] = sample();
      return { family, secret, text: make.pick(FRAMES, (same) => same)(text) };
    }),
  );
}

const twice = (text: string): readonly [string, string] => [text, text];

/** `many` of each kind. */
export function harmlessSamples(seed: number, many: number): Sample[] {
  const make = new Maker(seed);
  const hex = (length: number): string => make.text('0123456789abcdef', length);
  const kinds: Readonly<Record<string, () => string>> = {
    'order number': () => {
      const digits = `4${make.text(DIGITS, 14)}`;
      return `order ${digits}${(Number(checkDigit(digits)) + 1 + make.below(9)) % 10}`;
    },
    UUID: () => `id ${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(11)}f`,
    digest: () => `sha256:${hex(63)}e`,
    time: () => `at ${1_600_000_000_000 + make.below(4e11)}`,
    phone: () =>
      `call +41 ${make.text('123456789', 2)} ${make.text(DIGITS, 3)} ${make.text(DIGITS, 2)} ${make.text(DIGITS, 2)}`,
    fraction: () => `0.${make.text(DIGITS, 16)}`,
    version: () => `v${make.below(99)}.${make.below(99)}.${make.below(99)}-${hex(7)}`,
    base64: () => `data ${Buffer.from(make.text(LOWER, 30)).toString('base64')}`,
    host: () =>
      `https://${make.text(LOWER, 8)}.example.com:8443/${make.text(LOWER, 5)}/${make.below(1e6)}?page=${make.below(50)}`,
    'public key': () => `-----BEGIN PUBLIC KEY-----\n${make.text(`${ALNUM}+/`, 64)}\n-----END PUBLIC KEY-----`,
    words: () => `the basic idea of ${make.text(LOWER, 7)} is a forbearer of ${make.text(LOWER, 5)}`,
    identifier: () => `AKIA-${make.text(LOWER, 16)} eyJ.${make.text(LOWER, 4)}`,
  };
  return Object.entries(kinds).flatMap(([family, sample]) =>
    Array.from({ length: many }, () => ({ family, secret: '', text: sample() })),
  );
}
