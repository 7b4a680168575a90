/** What a body costs that was made to cost: time is linear in its size, the stack and memory are bounded. */
import { gzipSync } from 'node:zlib';
import { createRedactor } from '../../src/record/redact.ts';
import { DEFAULT_REDACTION } from './redact-defaults.ts';

const MIB = 1024 * 1024;
/** `npm run test:full` takes all of it; half of it has half of the time. */
const SIZE = process.env.OUTRIDER_TEST_FULL === '1' ? MIB : MIB / 2;
const redactor = createRedactor(DEFAULT_REDACTION);
const TYPES = [
  '',
  'application/json',
  'application/x-ndjson',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=B',
  'text/xml',
];
/** Each is the start of something that a search goes on with. */
const PIECES = [
  ...[
    'eyJ-',
    'eyJ.',
    'ew.',
    '://',
    'a://',
    'a=',
    'a=b&',
    '=',
    ':',
    'aws',
    'awskey=:',
    'secret_access_key ',
    '4',
    '4 ',
    '4111 ',
  ],
  ...[
    '4111-',
    '4.',
    '1234.1234.',
    '-----BEGIN PRIVATE KEY-----',
    '-----BEGIN ',
    '-----BEGIN',
    'LS0tLS1CRUdJTi',
    '"',
    "'",
    '\\"',
  ],
  ...[
    '{"a":',
    '[',
    '{',
    ' a',
    ' ',
    '\t',
    '.',
    '\\',
    '\\u0070',
    '%',
    '%25',
    '%70%',
    '--B\r\n',
    '--B',
    '--',
    '&',
    ';',
    '&lt;',
    '<',
    '<a ',
  ],
  ...[
    '<password>',
    '&lt;secret&gt;',
    '<a key="password">',
    '</password',
    'password',
    'password=',
    'password="',
    'password: ',
    '"password":{',
  ],
  ...[
    'password: |\n ',
    '\n  ',
    '\r',
    '\n',
    '\0',
    'p\0',
    '{"name":"password",',
    'Bearer ',
    'bearer',
    'basic ',
    'AKIA',
    'Content-Disposition: form-data; name=',
  ],
  ...[
    'data:{"token":"',
    '\u00e9',
    '\u2028',
    '+',
    'a[',
    'a.',
    'x-',
    '1,',
    '"a":1,',
    'A',
    '{\n',
    'a={&',
    '"{",',
    '{"a":"{"},',
    '&%7B=%7B',
  ],
];
const LIMIT_MS = 200 * (SIZE / MIB);
const HEAD_MS = 20;

/** Of this thread alone; the best of some, since the collector's work is among it. */
function bestMs(work: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let n = 0; n < 4 && best > LIMIT_MS; n += 1) {
    best = Math.min(best, cpuMs(work));
  }
  return best;
}

function cpuMs(work: () => void): number {
  const began = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(began);
  return (user + system) / 1000;
}

const fill = (piece: string, bytes: number): string => piece.repeat(Math.ceil(bytes / piece.length)).slice(0, bytes);

/** What took longer, by what it was. */
function slowOnes(works: Readonly<Record<string, () => void>>): string[] {
  return Object.entries(works).flatMap(([what, work]) => {
    const ms = bestMs(work);
    return ms > LIMIT_MS ? [`${what}: ${ms.toFixed(0)} ms`] : [];
  });
}

test.each(TYPES)(
  `${SIZE / 1024} KiB of anything as "%s" takes less than ${LIMIT_MS} ms`,
  (type) => {
    const works = PIECES.map((piece) => {
      const bytes = Buffer.from(fill(piece, SIZE));
      return [piece, () => void redactor.body(bytes, type)];
    });
    expect(slowOnes(Object.fromEntries(works))).toEqual([]);
  },
  120_000,
);

test(`behind a secret name, and cut off, it does not take longer than ${LIMIT_MS} ms either`, () => {
  const works = PIECES.map((piece) => {
    const bytes = Buffer.from(`password=1 ${fill(piece, SIZE)}`);
    return [piece, () => void redactor.body(bytes, 'text/plain', { truncated: true })];
  });
  expect(slowOnes(Object.fromEntries(works))).toEqual([]);
}, 120_000);

/** Each piece is another one, so that nothing that is remembered by name helps. */
const COUNTED: Readonly<Record<string, (n: number) => string>> = {
  'elements named by an attribute': (n) => `<a${n} k="token">`,
  'the same, escaped': (n) => `&lt;a${n} k="token"&gt;`,
  'elements without an end': (n) => `<t${n}:token>`,
  'elements with one': (n) => `<t${n}:token></t${n}:token>`,
  'escaped tags without an end': (n) => `&lt;a${n} k="token" `,
  'attributes without an end': (n) => `<a${n} key="token" value="`,
  'names and values': (n) => `x${n}.token=x `,
  'values without an end': (n) => `x${n}.token="x`,
  'objects without an end': (n) => `x${n}.token={`,
  lines: (n) => `x${n}.token: a\n`,
  'lines without a value': (n) => `x${n}.token:\n`,
  'a form': (n) => `k${n}.token=v${n}&`,
  'an encoded form': (n) => `k${n}=%7B%22token${n}&`,
  'what is encoded twice': (n) => `%2525${n}=token `,
  'encoded paths': (n) => `/x%3F${n}%3Dtoken%`,
  'documents in each other': (n) => `{"k${n}":"a=b","token${n}":`,
  'a label and a value': (n) => `{"k${n}":"x","name":"token","value":"v"},`,
  parts: (n) => `--B\r\nContent-Disposition: form-data; name="token${n}"\r\n\r\nx\r\n`,
  credentials: (n) => `a${n}://u:p@h `,
  events: (n) => `data: {"token":"${n}\n\n`,
};
const counted = (piece: (n: number) => string, bytes: number): string => {
  const pieces: string[] = [];
  for (let n = 0, length = 0; length < bytes; n += 1) length += pieces[pieces.push(piece(n)) - 1]?.length ?? 0;
  return pieces.join('');
};
const nested = (start: string, end: string, bytes: number): string => fill(start, bytes / 2) + fill(end, bytes / 2);
const GROWING: Readonly<Record<string, (bytes: number) => string>> = {
  ...Object.fromEntries(Object.entries(COUNTED).map(([what, piece]) => [what, (bytes) => counted(piece, bytes)])),
  'elements in each other': (bytes) => nested('<token>', '</token>', bytes),
  'escaped elements in each other': (bytes) => nested('&lt;token&gt;', '&lt;/token&gt;', bytes),
  'a tag of values': (bytes) => `<a key="token"${fill(' value="x"', bytes)}>`,
};
const GROWTH = 2.6;
/** Below that the collector and the clock decide. */
const SMALL_MS = 15;

test.each(['text/plain', ...TYPES.slice(1)])(
  `twice as much of what was made to cost takes at most ${GROWTH} times as long as "%s"`,
  (type) => {
    // Without a budget, which would hide what it costs.
    const { body } = createRedactor(DEFAULT_REDACTION, Number.POSITIVE_INFINITY);
    const msOf = (text: string, runs: number): number => {
      const bytes = Buffer.from(text);
      return Math.min(...Array.from({ length: runs }, () => cpuMs(() => void body(bytes, type))));
    };
    const slow = Object.entries(GROWING).flatMap(([what, make]) => {
      const first = msOf(make(SIZE / 2), 1);
      if (first > LIMIT_MS * 2) return [`${what}: ${first.toFixed(0)} ms for the half`];
      for (let runs = 2; ; runs *= 2) {
        const [half, whole] = [msOf(make(SIZE / 2), runs), msOf(make(SIZE), runs)];
        if (whole < LIMIT_MS && (whole < SMALL_MS || whole / half <= GROWTH)) return [];
        if (runs === 8) return [`${what}: ${half.toFixed(0)} ms, ${whole.toFixed(0)} ms`];
      }
    });
    expect(slow).toEqual([]);
  },
  120_000,
);

test('a body that costs more than its budget is withheld, and the next one is not', () => {
  const redactor = createRedactor(DEFAULT_REDACTION, 2);
  const withheldAs = (text: string, type: string): unknown => {
    const { value, paths, withheld } = redactor.body(Buffer.from(text), type);
    return [value.length, paths, withheld];
  };
  const markup = fill('<a k="token"> password=1&', MIB);
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'text/xml']) {
    expect([type, withheldAs(markup, type)]).toEqual([type, [0, ['body'], true]]);
  }
  const json = `[${fill('{"a":1},', MIB)}{}]`;
  for (const type of ['application/json', '']) expect(withheldAs(json, type)).toEqual([0, ['body'], true]);
  const parts = `${'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n'.repeat(MIB / 64)}--B--`;
  expect(withheldAs(parts, 'multipart/form-data; boundary=B')).toEqual([0, ['body'], true]);
  const { withheld } = createRedactor(DEFAULT_REDACTION).body(Buffer.from(parts), 'multipart/form-data; boundary=B');
  expect(withheld).toBe(false);
  expect(redactor.body(Buffer.from('{"a":1}'), 'application/json')).toMatchObject({ withheld: false, paths: [] });
  expect(redactor.text(fill('a=b ', MIB))).toHaveLength(MIB);
});

test(`a head of 64 KiB takes less than ${HEAD_MS} ms`, () => {
  const slow = PIECES.filter((piece) => {
    const text = fill(piece, 65_536);
    return Math.min(...[1, 2, 3].map(() => bestMs(() => void redactor.headers(['X-Note', text])))) > HEAD_MS;
  });
  const slowUris = PIECES.filter((piece) => {
    const uri = `/a?x=1&${fill(piece, 65_536)}`;
    return Math.min(...[1, 2, 3].map(() => bestMs(() => void redactor.uri(uri)))) > HEAD_MS;
  });
  expect([slow, slowUris]).toEqual([[], []]);
}, 60_000);

test.each(TYPES)('lists in each other a million deep do not exhaust the stack: "%s"', (type) => {
  const text = `${'['.repeat(1_000_000)}{"password":"hunter2"}${']'.repeat(1_000_000)}`;
  const { value } = redactor.body(Buffer.from(text), type);
  expect(Buffer.from(value).includes('hunter2')).toBe(false);
});

test('objects, elements, strings in strings and parts a hundred thousand deep do not either', () => {
  const deep = 100_000;
  for (const text of [
    '{"a":'.repeat(deep),
    '<a>'.repeat(deep),
    '{\\"a\\":'.repeat(deep),
    'password: {'.repeat(deep),
    '--B\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n'.repeat(20_000),
  ]) {
    for (const type of TYPES) redactor.body(Buffer.from(text), type);
  }
});

test('S09 S14 what is compressed is withheld and never unpacked', () => {
  const bomb = gzipSync(Buffer.alloc(64 * MIB));
  const before = process.memoryUsage().arrayBuffers;
  const { value, withheld } = redactor.body(bomb, 'application/json', { contentEncoding: 'gzip' });
  expect([value.length, withheld]).toEqual([0, true]);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MIB);
});

test.each(['gzip', 'br', 'deflate', 'zstd', 'identity, gzip', 'x-unknown'])('%s is withheld', (contentEncoding) => {
  expect(redactor.body(Buffer.from('{"a":1}'), 'application/json', { contentEncoding }).withheld).toBe(true);
});

test('S14 JSON, forms and parts of more than 16 MiB are withheld at once, below that they are read', () => {
  const item = JSON.stringify({ n: 1, text: 'x'.repeat(100), password: 'hunter2' });
  const listOf = (bytes: number) => Buffer.from(`[${`${item},`.repeat(Math.floor(bytes / (item.length + 1)) - 1)}1]`);
  const read = redactor.body(listOf(16 * MIB), 'application/json');
  expect([read.withheld, Buffer.from(read.value).includes('hunter2')]).toEqual([false, false]);
  const large = listOf(64 * MIB);
  for (const type of TYPES.filter((each) => each !== '' && each !== 'text/xml')) {
    const began = performance.now();
    expect(redactor.body(large, type)).toMatchObject({ withheld: true, paths: ['body'] });
    expect(performance.now() - began).toBeLessThan(1000);
  }
  for (const type of ['', 'text/plain']) expect(redactor.body(large, type).withheld).toBe(true);
  expect(redactor.body(Buffer.alloc(64 * MIB, 'no names '), 'text/plain').withheld).toBe(false);
  expect(redactor.body(Buffer.alloc(64 * MIB, 'a\0\xff'), '').withheld).toBe(false);
});
