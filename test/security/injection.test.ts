/** What a caller sends is data: it makes no new line on any wire, and no template reads it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sharedFile } from '../dispatch/fixtures.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { answering, startTarget } from '../helpers/node-target.ts';
import { startPath } from '../helpers/path.ts';
import { closedPort } from '../helpers/ports.ts';
import { type RawResult, sendRaw } from '../helpers/raw-client.ts';
import { startRawTarget } from '../helpers/raw-target.ts';
import { load, mistakesOf, plainRoutes } from '../runtime/config/config-files.ts';

/** A template without the linter taking it for JavaScript's. */
const ref = (inside: string): string => `$\{${inside}}`;

/** The corpus, and what else has been read as a line break: Unicode's own, and characters whose low byte is one. */
function payloads(): string[] {
  const own = [
    'a\r\nSet-Cookie:crlf=injection',
    'a\nSet-Cookie:crlf=injection',
    'a\rSet-Cookie:crlf=injection',
    'a\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie:crlf=injection\r\n\r\n',
    'a\r\n Set-Cookie:crlf=injection',
    'a\0Set-Cookie:crlf=injection',
    'a嘊嘍Set-Cookie:crlf=injection',
    'a\u2028Set-Cookie:crlf=injection',
    'a\u0085Set-Cookie:crlf=injection',
    'a\u010d\u010aSet-Cookie:crlf=injection',
    'a\u000b\u000cSet-Cookie:crlf=injection',
    'a\x7f\x1b[31mSet-Cookie:crlf=injection',
    '\ud800Set-Cookie:crlf=injection',
  ];
  const file = sharedFile('corpus/crlf.json');
  if (file === null) return own;
  const { cases }: { cases: { value: string }[] } = JSON.parse(readFileSync(file, 'utf8'));
  const values = cases.map(({ value }) => value);
  return [...values, ...values.map(decoded), ...values.map(decoded).map(decoded), ...own];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  }
}

const PAYLOADS = payloads();
/** Every character as an escape, so that it reaches the rule whatever it is. */
const escaped = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

/** Lines of a head, or of all heads, that a payload would have made. */
const forged = (bytes: string): string[] => bytes.split(/\r\n|\r|\n/).filter((line) => /^\s*set-cookie/i.test(line));
const oneAnswer = ({ responses, bytes }: RawResult): string => {
  expect(responses).toHaveLength(1);
  return bytes.toString('latin1').split('\r\n\r\n', 1)[0] ?? '';
};

/** Every place of a rule and a target where a template may stand, made of what the request brings. */
function everywhere(value: string, target: string) {
  const patch = { set: { 'x-set': value, 'x-part': `a ${value} b` }, add: { 'x-add': value } };
  return {
    targets: { prod: { urls: [{ url: target }], request: { headers: { set: { 'x-target': value } } } } },
    rules: [
      {
        name: 'all',
        target: 'prod',
        match: { paths: ['/in/*'] },
        request: { headers: patch, path: { replacePrefix: '/out' } },
        response: { headers: patch },
        capture: { answer: { status: 503, headers: { 'x-answer': value }, body: `{"said": "${value}"}` } },
      },
    ],
    default: 'reject',
  };
}

describe('S05 line breaks in request data', () => {
  test.each([
    ['the query', ref('query:v'), (text: string) => `GET /in/x?v=${escaped(text)} HTTP/1.1\r\nHost: a\r\n\r\n`],
    [
      'a header',
      ref('header:x-v'),
      (text: string) =>
        `GET /in/x HTTP/1.1\r\nHost: a\r\nX-V: ${Buffer.from(text)
          .toString('latin1')
          .replace(/[\r\n]/g, '')}\r\n\r\n`,
    ],
    ['the path', ref('header:host'), (text: string) => `GET /in/${escaped(text)} HTTP/1.1\r\nHost: a\r\n\r\n`],
  ])('from %s make no line in what a target gets or a caller sees', async (_, value, requestFor) => {
    const heads: string[] = [];
    const target = await startRawTarget(async (connection) => {
      for (;;) {
        heads.push(await connection.readHead());
        await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      }
    });
    const path = await startPath({ routes: everywhere(value, target.url) });
    const gone = await startPath({ routes: everywhere(value, `http://127.0.0.1:${await closedPort()}`) });
    for (const payload of PAYLOADS) {
      for (const { port } of [path, gone]) {
        const head = oneAnswer(await sendRaw(port, requestFor(payload), { responses: 1 }));
        expect(head).toMatch(/^HTTP\/1\.1 (200|400|404|503) /);
        expect({ payload, forged: forged(head) }).toEqual({ payload, forged: [] });
      }
    }
    const canary = await sendRaw(path.port, 'GET /in/canary HTTP/1.1\r\nHost: a\r\nX-V: v\r\n\r\n', { responses: 1 });
    expect(canary.responses[0]?.status).toBe(200);
    expect(heads.length).toBeGreaterThan(0);
    for (const head of heads) {
      expect(forged(head)).toEqual([]);
      expect(head).toMatch(/^GET \/out\/[!-~]* HTTP\/1\.1\r\n/);
    }
  });

  test('in an answer body stay inside its string', async () => {
    const gone = `http://127.0.0.1:${await closedPort()}`;
    const path = await startPath({
      routes: {
        targets: { prod: gone },
        rules: [
          {
            name: 'all',
            target: 'prod',
            capture: {
              answer: {
                status: 503,
                headers: { 'content-type': 'application/json' },
                body: `{"said": "${ref('query:v')}"}`,
              },
            },
          },
        ],
      },
    });
    for (const payload of [...PAYLOADS, '","admin":true,"x":"', '</script><script>alert(1)</script>', '\\']) {
      const { responses } = await sendRaw(path.port, `GET /?v=${escaped(payload)} HTTP/1.1\r\nHost: a\r\n\r\n`, {
        responses: 1,
      });
      expect(responses).toHaveLength(1);
      const said: unknown = JSON.parse(responses[0]?.body.toString('utf8') ?? '');
      expect(Object.keys(Object(said))).toEqual(['said']);
    }
  });
});

test('S05 an answer of a rule that names no type is text: what a caller sent is no markup in it', async () => {
  const answer = { status: 503, body: ref('query:v') };
  const path = await startPath({
    routes: {
      targets: { prod: `http://127.0.0.1:${await closedPort()}` },
      rules: [{ name: 'all', target: 'prod', capture: { when: ['connect'], answer } }],
    },
  });
  const bytes = `GET /?v=${encodeURIComponent('<script>alert(1)</script>')} HTTP/1.1\r\nHost: a\r\n\r\n`;
  const [response] = (await sendRaw(path.port, bytes, { responses: 1 })).responses;
  expect(String(response?.body)).toBe('<script>alert(1)</script>');
  expect(response?.header('content-type')).toBe('text/plain; charset=utf-8');
});

test('S05 line breaks in a configuration are a mistake with its place, and nothing starts', () => {
  for (const payload of PAYLOADS.filter((text) => /[\r\n\0]/.test(text))) {
    const value = JSON.stringify(payload);
    for (const rule of [
      `request: {headers: {set: {x-a: ${value}}}}`,
      `request: {headers: {add: {x-a: ${value}}}}`,
      `request: {headers: {set: {${value}: a}}}`,
      `request: {headers: {remove: [${value}]}}`,
      `response: {headers: {set: {x-a: ${value}}}}`,
      `match: {paths: [/a/*]}, request: {path: {replacePrefix: ${JSON.stringify(`/${payload}`)}}}`,
      `capture: {answer: {status: 503, headers: {x-a: ${value}}}}`,
    ]) {
      const text = `${plainRoutes}rules: [{name: r, target: prod, ${rule}}]\n`;
      expect(mistakesOf(() => load({ 'routes.yaml': text }))[0]).toMatch(/^routes\.yaml:3:/);
    }
    const target = `targets: {a: {urls: [{url: ${JSON.stringify(`http://x/${payload}`)}}], hostHeader: ${value}}}\ndefault: a\n`;
    expect(mistakesOf(() => load({ 'routes.yaml': target }))).not.toEqual([]);
  }
});

test('S05 a file with a line break inside makes no second header: the request is kept, and not sent', async () => {
  const file = join(temporaryFolder(), 'token');
  writeFileSync(file, 'first\r\nSet-Cookie: crlf=injection\r\n');
  const target = await startTarget();
  const path = await startPath({
    process: { templates: { files: [file] } },
    routes: {
      targets: { prod: target.url },
      rules: [{ name: 'all', target: 'prod', request: { headers: { set: { 'x-token': ref(`file:${file}`) } } } }],
    },
  });
  const { responses } = await sendRaw(path.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', { responses: 1 });
  expect(responses[0]?.status).toBe(502);
  expect(responses[0]?.header('outrider-record')).toBe(path.captures[0]?.id);
  expect(target.requests).toEqual([]);
});

const TEMPLATES = [
  '{{7*7}}',
  '#{7*7}',
  ref('7*7'),
  ref('env:HOME'),
  ref('env:PATH'),
  ref('file:/etc/passwd'),
  ref('header:x-secret'),
  ref('id'),
  ref('process.env'),
  `$${ref('id')}`,
  ref('query:v'),
  '{{constructor.constructor("return process")()}}',
  '<%= 7*7 %>',
  '$(id)',
  '`id`',
  '%{7*7}',
  '$&',
  "$'",
  '$1',
];

test('S06 template strings in request data are data: they go on as they came', async () => {
  const target = await startTarget(answering(500, 'no'));
  const path = await startPath({
    routes: {
      targets: { prod: target.url },
      rules: [
        {
          name: 'all',
          target: 'prod',
          match: { paths: ['/in/*'] },
          request: {
            headers: { set: { 'x-query': ref('query:v'), 'x-header': `<${ref('header:x-v')}>` } },
            path: { replacePrefix: '/out' },
          },
          capture: {
            when: ['5xx'],
            answer: {
              status: 503,
              headers: { 'content-type': 'text/plain', 'x-said': ref('query:v') },
              body: ref('query:v'),
            },
          },
        },
      ],
    },
  });
  for (const text of TEMPLATES) {
    const fields = `Host: a\r\nX-V: ${text}\r\nX-Secret: hidden\r\n`;
    const { responses } = await sendRaw(path.port, `GET /in/x?v=${escaped(text)} HTTP/1.1\r\n${fields}\r\n`, {
      responses: 1,
    });
    expect(target.last().headers).toMatchObject({ 'x-query': text, 'x-header': `<${text}>` });
    expect(target.last().uri).toBe(`/out/x?v=${escaped(text)}`);
    expect(responses[0]?.status).toBe(503);
    expect(responses[0]?.header('x-said')).toBe(text);
    expect(responses[0]?.body.toString()).toBe(text);
  }
});

test.each([
  'HTTP/1.1 200 OK\r\nX-A: 1\r\n Set-Cookie: crlf=injection\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX-A: 1\rSet-Cookie: crlf=injection\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX-A: 1\x00Set-Cookie: crlf=injection\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX-A\r\n: 1\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX A: 1\r\nContent-Length: 0\r\n\r\n',
])('S16 the answer %j is no answer to pass on: 502, and its failure is kept', async (answer) => {
  const target = await startRawTarget(async (connection) => {
    await connection.readHead();
    await connection.send(answer);
  });
  const path = await startPath({ routes: { targets: { prod: target.url } } });
  const result = await sendRaw(path.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', { responses: 1 });
  expect(result.responses.map(({ status }) => status)).toEqual([502]);
  expect(forged(oneAnswer(result))).toEqual([]);
  expect(path.captures).toHaveLength(1);
});

test('S16 an answer behind the answer is never given to the next request', async () => {
  const target = await startRawTarget(async (connection) => {
    for (;;) {
      const head = await connection.readHead();
      const extra = head.startsWith('GET /evil ')
        ? 'HTTP/1.1 200 OK\r\nSet-Cookie: x=1\r\nContent-Length: 4\r\n\r\nevil'
        : '';
      await connection.send(`HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood${extra}`);
    }
  });
  const path = await startPath({ routes: { targets: { prod: target.url } } });
  for (const uri of ['/evil', '/a', '/evil', '/b', '/c']) {
    const { responses } = await sendRaw(path.port, `GET ${uri} HTTP/1.1\r\nHost: a\r\n\r\n`, { responses: 1 });
    const [only] = responses;
    expect({ uri, cookie: only?.header('set-cookie'), body: only?.body.toString() }).toEqual({
      uri,
      cookie: undefined,
      body: 'good',
    });
  }
});
