/** Every exit is read after secrets went in by every way: none may be seen, in whatever encoding. */
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Spool } from '../../src/record/spool.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { outrider as runCli } from '../helpers/cli.ts';
import { describeWithKafka, type KafkaForTest, startKafka, topicName } from '../helpers/kafka.ts';
import { startTarget, type Target } from '../helpers/node-target.ts';
import { type ApiRecord, type Outrider, startOutrider } from '../helpers/outrider.ts';
import { closedPort } from '../helpers/ports.ts';
import { sendRaw } from '../helpers/raw-client.ts';
import { waitFor } from '../helpers/wait.ts';
import { HARMLESS, PLANTS, type Plant, type Planted } from './redact-plants.ts';

const JWT_HEAD = Buffer.from('{"alg":"HS256"}').toString('base64url');
const FORMS: Readonly<Record<Plant['form'], (n: number) => string>> = {
  named: () => `s3cr3t-${randomBytes(9).toString('hex')}`,
  jwt: (n) =>
    `${JWT_HEAD}.${Buffer.from(`{"sub":"user-${n}"}`).toString('base64url')}.${randomBytes(32).toString('hex')}`,
  card: (n) => cardNumber(n),
  key: () => `-----BEGIN PRIVATE KEY-----\n${randomBytes(48).toString('hex')}\n-----END PRIVATE KEY-----`,
};

/** With its check digit, in groups. */
function cardNumber(n: number): string {
  const base = `4${String(Date.now() % 1e9).padStart(9, '0')}${String(n).padStart(5, '0')}`;
  const sum = [...base].reduce((total, character, index) => {
    const doubled = Number(character) * (index % 2 === 0 ? 2 : 1);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return (base + ((10 - (sum % 10)) % 10)).replace(/(.{4})(?!$)/g, '$1 ');
}

/** What of a secret would give it away, in each way in which it could be written. */
function tellTales(secret: string): string[] {
  const core = secret.startsWith('-----') ? (secret.split('\n')[1] ?? '') : secret;
  const bytes = Buffer.from(core);
  // Base64 of it anywhere in something longer: without the characters that it shares with its neighbours.
  const encoded = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(shift + 1, -4),
  );
  const wide = bytes.toString('utf16le') === '' ? [] : [...core].join('\0');
  const written = [core, encodeURIComponent(core), JSON.stringify(core).slice(1, -1), core.replaceAll(' ', '+')];
  return [
    ...new Set([...written, ...encoded, ...encoded.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))]),
  ].concat(wide);
}

function requestBytes({ method = 'POST', uri = '/orders', headers = [], body = '', trailers }: Planted): Buffer {
  const lines = [`${method} ${uri} HTTP/1.1`, 'Host: app', 'Connection: close'];
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  const bytes = Buffer.from(body);
  lines.push(trailers === undefined ? `Content-Length: ${bytes.length}` : 'Transfer-Encoding: chunked');
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  if (trailers === undefined) return Buffer.concat([head, bytes]);
  return Buffer.concat([head, Buffer.from(`${bytes.length.toString(16)}\r\n${bytes}\r\n0\r\n${trailers}\r\n`)]);
}

interface Exit {
  readonly name: string;
  readonly text: string;
}

/** The same with what is base64 in it in plain. */
function withBodies(record: ApiRecord): string {
  const { body, body_encoding, response } = record as ApiRecord & {
    body: string;
    body_encoding: string;
    response: { body: string; body_encoding?: string } | null;
  };
  const plain = body_encoding === 'base64' ? Buffer.from(body, 'base64').toString('latin1') : '';
  const answer = response?.body_encoding === 'base64' ? Buffer.from(response.body, 'base64').toString('latin1') : '';
  return JSON.stringify(record) + plain + answer;
}

async function getText(url: string): Promise<string> {
  const answer = await fetch(url, { headers: { connection: 'close' } });
  return JSON.stringify([...answer.headers]) + (await answer.text());
}

let kafka: KafkaForTest;
let down: number;
let target: Target;

/** Answers with a secret of its own in each place of an answer. */
const TARGET_SECRETS = Array.from({ length: 4 }, () => `s3cr3t-${randomBytes(9).toString('hex')}`);

/** Of which the start alone shows who it is for. */
const CUT_TOKEN = `${JWT_HEAD}.${randomBytes(200).toString('hex')}.${randomBytes(32).toString('hex')}`;

async function startPlanted(keepOriginal: boolean, topic: string, spool = {}): Promise<Outrider> {
  await kafka.createTopic(topic);
  return startOutrider({
    outrider: {
      kafka: { brokers: kafka.brokers, topic, key: 'header:x-api-key' },
      limits: { headerCount: 2000, headerBytes: '128Ki' },
      log: { level: 'trace', access: 'all' },
      capture: { redact: { keepOriginal } },
      spool,
    },
    routes: {
      targets: { down: `http://127.0.0.1:${down}`, busy: target.url },
      rules: [{ name: 'busy', match: { headers: { 'x-to': 'busy' } }, target: 'busy', capture: { when: ['5xx'] } }],
      default: 'down',
    },
  });
}

interface Sent {
  readonly place: string;
  readonly secret: string;
}

/** Each twice: to a target that is not there, and to one that answers 503. */
async function plantAll(outrider: Outrider): Promise<{ sent: Sent[]; many: number; answers: string }> {
  const sent: Sent[] = [];
  let answers = '';
  let many = 0;
  for (const [n, { place, form, request }] of PLANTS.entries()) {
    const secret = FORMS[form](n);
    const planted = request(secret);
    for (const to of planted.onlyDown === true ? [[]] : [[], ['X-To', 'busy']]) {
      const bytes = requestBytes({ ...planted, headers: [...to, ...(planted.headers ?? [])] });
      const { responses } = await sendRaw(outrider.port, bytes, { responses: 1 });
      const [answer] = responses;
      if (answer?.header('outrider-record') === undefined)
        throw new Error(`${place}: ${answer?.statusLine} has no record`);
      many += 1;
      // The target's own answer is the caller's.
      if (to.length === 0) answers += JSON.stringify(answer.rawHeaders) + answer.body;
    }
    sent.push({ place, secret });
  }
  await sendRaw(outrider.port, requestBytes({ uri: '/long', headers: ['X-To', 'busy'] }), { responses: 1 });
  sent.push({ place: 'the end of a cut answer', secret: CUT_TOKEN.slice(0, JWT_HEAD.length + 10) });
  return { sent, many: many + 1, answers };
}

/** Requests that go no further than their head are shown in the log. */
async function plantRefused(outrider: Outrider): Promise<Sent[]> {
  const sent: Sent[] = [];
  const heads: readonly ((secret: string) => string)[] = [
    (secret) => `GET /a?token=${secret} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n`,
    (secret) =>
      `GET /a HTTP/1.1\r\nAuthorization: ${secret}\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`,
    (secret) => `GET http://u:${secret}@h/ HTTP/1.1\r\nBad Header: ${secret}\r\n\r\n`,
    (secret) => `{"password":"${secret}"}\r\n\r\n`,
    (secret) => `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\npassword=${secret}`,
    (secret) => `CONNECT u:${secret}@h:443 HTTP/1.1\r\nHost: h\r\nProxy-Authorization: Basic ${secret}\r\n\r\n`,
    (secret) => `GET /a\x1b[2J?password=${secret} HTTP/1.1\r\nHost: a\r\n\r\n`,
  ];
  for (const head of heads) {
    const secret = FORMS.named(0);
    await sendRaw(outrider.port, head(secret));
    sent.push({ place: `a refused ${JSON.stringify(head('…'))}`, secret });
  }
  const refused = (): number => outrider.logs.filter(({ msg }) => msg === 'request refused').length;
  await waitFor(() => refused() >= heads.length, { what: 'a line for each refused request' });
  return sent;
}

async function readExits(outrider: Outrider, topic: string, many: number): Promise<Exit[]> {
  const pending = async (): Promise<boolean> =>
    (await outrider.metrics()).value('outrider_mirror_pending_records') === 0;
  await waitFor(pending, { what: 'nothing to wait for Kafka', timeoutMs: 60_000 });
  const listed = await outrider.records();
  expect(listed).toHaveLength(many);
  const records: ApiRecord[] = [];
  for (const { id } of listed) records.push(await outrider.record(id));
  const messages = await kafka.readAll(topic);
  expect(messages.length).toBeGreaterThanOrEqual(many);
  const cli = await runCli(['records', '--admin', outrider.adminUrl, '--json', '--limit', '500']);
  const one = await runCli(['records', listed[0]?.id ?? '', '--admin', outrider.adminUrl]);
  const urls = [
    ...['/metrics', '/livez?verbose', '/readyz?verbose', '/startupz?verbose'].map((path) => outrider.metricsUrl + path),
    ...['/api/config', '/api/ledger', '/api/records?limit=500'].map((path) => outrider.adminUrl + path),
  ];
  return [
    ...records.map((record) => ({ name: 'GET /api/records/:id', text: withBodies(record) })),
    ...messages.map(({ key, value, headers }) => ({
      name: 'Kafka',
      text: `${key}${JSON.stringify(headers)}${withBodies(JSON.parse(value))}${value}`,
    })),
    ...(await Promise.all(urls.map(async (url) => ({ name: url, text: await getText(url) })))),
    { name: 'outrider records', text: `${cli.stdout}${cli.stderr}${one.stdout}${one.stderr}` },
    { name: 'the log', text: outrider.logs.map((line) => JSON.stringify(line)).join('\n') + outrider.stderr },
  ];
}

/** Places whose secret stands in an exit, with the exit. */
function leaks(sent: readonly Sent[], exits: readonly Exit[]): string[] {
  const tales = sent.map(({ place, secret }) => ({ place, tales: tellTales(secret) }));
  const found = exits.flatMap(({ name, text }) =>
    tales.flatMap(({ place, tales: each }) =>
      each.some((tale) => text.includes(tale)) ? [`${place} in ${name}`] : [],
    ),
  );
  return [...new Set(found)];
}

/** Everything that lies in the spool's folder: as it is, and unsealed. */
function readSpool(spoolDir: string): Exit[] {
  const files = readdirSync(spoolDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const raw = files.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return { name: path, text: readFileSync(path, 'latin1') };
  });
  const copy = temporaryFolder();
  cpSync(spoolDir, copy, { recursive: true });
  const options = { path: copy, size: 256 * 1024 * 1024, keep: 1e9, keyFile: '', podName: hostname(), mirror: false };
  const spool = Spool.open(options);
  try {
    const unsealed = spool.list({ limit: 1000 }).map((record) => {
      const { response, ...head } = record.head;
      const answer =
        response === null
          ? ''
          : JSON.stringify({ ...response, body: '' }) + Buffer.from(response.body).toString('latin1');
      return {
        name: 'unsealed',
        text: JSON.stringify(head) + answer + Buffer.from(spool.readBody(record)).toString('latin1'),
      };
    });
    return [...raw, ...unsealed];
  } finally {
    spool.close();
  }
}

describeWithKafka('secrets in every place of a request', { control: true }, () => {
  beforeAll(async () => {
    kafka = await startKafka();
    down = await closedPort();
    const [cookie, field, location, element] = TARGET_SECRETS;
    target = await startTarget(
      ({ uri }, response) => {
        if (uri === '/long') {
          // The kept part ends in the middle of a token.
          response.writeHead(503, { 'content-type': 'text/plain' }).end(`${'x '.repeat(32_750)}${CUT_TOKEN}`);
          return;
        }
        response.writeHead(503, [
          ...['Set-Cookie', `sid=${cookie}`, 'Location', `https://app.test/#access_token=${location}`],
          ...['Content-Type', 'application/json'],
        ]);
        response.end(JSON.stringify({ token: field, page: `<password>${element}</password>` }));
      },
      { shared: true },
    );
  }, 120_000);

  test.each([true, false])(
    'S08 with keepOriginal: %p none is seen at any exit, and what is no secret is whole',
    async (keepOriginal) => {
      const topic = topicName();
      const outrider = await startPlanted(keepOriginal, topic);
      const { sent, many, answers } = await plantAll(outrider);
      const refused = await plantRefused(outrider);
      const all = [...sent, ...refused, ...TARGET_SECRETS.map((secret) => ({ place: 'an answer', secret }))];
      const exits = [...(await readExits(outrider, topic, many)), { name: 'our own answers', text: answers }];
      expect(leaks(all, exits)).toEqual([]);
      await outrider.stop();
      const [onDisk, unsealed] = [true, false].map((asItIs) =>
        leaks(
          all,
          readSpool(outrider.spoolDir).filter(({ name }) => (name !== 'unsealed') === asItIs),
        ),
      );
      expect(onDisk).toEqual([]);
      // Where originals are kept they are what a delivery needs, and the search finds them.
      if (!keepOriginal) expect(unsealed).toEqual([]);
      else expect(unsealed?.length).toBeGreaterThan(PLANTS.length * 0.8);
    },
    240_000,
  );

  test('S08 without a spool the log shows none either', async () => {
    const outrider = await startPlanted(true, topicName(), { enabled: false });
    const sent: Sent[] = [];
    for (const [n, { place, form, request }] of PLANTS.entries()) {
      const secret = FORMS[form](n);
      await sendRaw(outrider.port, requestBytes(request(secret)), { responses: 1 });
      sent.push({ place, secret });
    }
    sent.push(...(await plantRefused(outrider)));
    const text = outrider.logs.map((line) => JSON.stringify(line)).join('\n');
    expect(leaks(sent, [{ name: 'the log', text: text + outrider.stderr }])).toEqual([]);
    await outrider.stop();
  }, 120_000);

  test.each([true, false])(
    'with keepOriginal: %p what is no secret is published byte for byte',
    async (keepOriginal) => {
      const topic = topicName();
      const outrider = await startPlanted(keepOriginal, topic);
      const uri = '/a//b;v=1/%7Euser?page=2&q=a+b%20c&__proto__=x;flag&e=%zz';
      const fields = [
        'X-Order',
        'no. 4111 1111 1111 1112',
        '__proto__',
        'a',
        'constructor',
        'b',
        'User-Agent',
        'curl/8.1 (a=b)',
      ];
      for (const [type, body] of HARMLESS) {
        const headers = [...fields, ...(type === '' ? [] : ['Content-Type', type])];
        await sendRaw(outrider.port, requestBytes({ uri, headers, body }), { responses: 1 });
      }
      const listed = await outrider.records();
      const records = await Promise.all(listed.map(({ id }) => outrider.record(id)));
      const shown = records.map(({ body, body_encoding, body_sha256, redacted, uri: shownUri, raw_headers }) => ({
        bytes: Buffer.from(String(body), body_encoding === 'base64' ? 'base64' : 'utf8').toString('latin1'),
        ...{ body_sha256, redacted, uri: shownUri },
        fields: (raw_headers as string[][]).flat().slice(4, 4 + fields.length),
      }));
      const expected = HARMLESS.map(([, body]) => {
        const bytes = Buffer.from(body);
        const body_sha256 = createHash('sha256').update(bytes).digest('hex');
        return { bytes: bytes.toString('latin1'), body_sha256, redacted: [], uri, fields };
      });
      const byHash = (a: { body_sha256: unknown }, b: { body_sha256: unknown }): number =>
        String(a.body_sha256).localeCompare(String(b.body_sha256));
      expect(shown.sort(byHash)).toEqual(expected.sort(byHash));
    },
    60_000,
  );
});
