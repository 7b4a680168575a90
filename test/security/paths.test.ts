/** No spelling of a path gets past an allowlist of `paths`, whatever the server behind makes of it. */
import { compilePath, holdsPath, isPlainPath, pathEnd } from '../../src/dispatch/path.ts';
import { leadsUp } from '../../src/dispatch/path-disguise.ts';
import { randomFrom } from '../dispatch/fixtures.ts';
import { startRawTarget } from '../helpers/node-target.ts';
import { startPath } from '../helpers/path.ts';
import { sendRaw } from '../helpers/raw-client.ts';

const ALLOWED = compilePath('/api/*');
const isAllowed = (uri: string): boolean => isPlainPath(uri, pathEnd(uri)) && holdsPath(ALLOWED, uri, pathEnd(uri));

/** What servers do to a path before they look for a file or a handler. */
type Reading = (path: string) => string;

const latin1 = (digits: string): string => String.fromCharCode(Number.parseInt(digits, 16));
const decode: Reading = (path) => path.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => latin1(digits));
const decodeWide: Reading = (path) =>
  decode(path.replace(/%u00([0-9a-f]{2})/gi, (_, digits: string) => latin1(digits)));
const overlong: Reading = (path) =>
  path
    .replace(/\xc0\xae/g, '.')
    .replace(/\xc0\xaf/g, '/')
    .replace(/\xc1\x9c/g, '\\');
const backslashes: Reading = (path) => path.replaceAll('\\', '/');
const withoutParameters: Reading = (path) => path.replace(/;[^/]*/g, '');
const untilNul: Reading = (path) => path.split('\0', 1)[0] ?? '';
const trimmedSegments: Reading = (path) => path.replace(/(\/\.\.?)[ \t]+(?=\/|$)/g, '$1');
const oneSlash: Reading = (path) => path.replace(/\/+/g, '/');

/** RFC 3986 section 5.2.4, without an error where it leads above the root. */
const withoutDots: Reading = (path) => {
  const segments: string[] = [];
  for (const segment of path.split('/').slice(1)) {
    if (segment === '..') segments.pop();
    else if (segment !== '.') segments.push(segment);
  }
  return `/${segments.join('/')}`;
};

/** Every server here: some steps, in this order, dots last. */
function readings(): Reading[] {
  const steps: Reading[] = [
    withoutParameters,
    decode,
    decodeWide,
    decode,
    decode,
    overlong,
    backslashes,
    withoutParameters,
    untilNul,
    trimmedSegments,
    oneSlash,
  ];
  return Array.from({ length: 2 ** steps.length }, (_, chosen) => (path: string) => {
    const read = steps.reduce((text, step, bit) => ((chosen >> bit) & 1 ? step(text) : text), path);
    return withoutDots(read);
  });
}

const PIECES = [
  '/',
  '/',
  '/',
  'api',
  'api',
  '..',
  '..',
  '.',
  'admin',
  'x',
  '//',
  '\\',
  ';',
  ';y=1',
  '%2e',
  '%2E',
  '%2f',
  '%5c',
  '%00',
  '%252e',
  '%252f',
  '%25252e',
  '%255c',
  '%2500',
  '%25',
  '%2',
  '%32%65',
  '%2%65',
  '%25%32%65',
  '%25%32%66',
  '%u002e',
  '%u002f',
  '%25u002e',
  '%c0%ae',
  '%c0%af',
  '%c1%9c',
  '%25c0%25ae',
  '%3b',
  '%20',
  '%09',
  '%61',
  '%C3%A9',
  '?/../',
  '%3f',
];

function randomPath(random: () => number): string {
  const length = 1 + Math.floor(random() * 9);
  const pieces = Array.from({ length }, () => PIECES[Math.floor(random() * PIECES.length)] ?? '');
  return `${random() < 0.8 ? '/api/' : '/'}${pieces.join('')}`;
}

const isInside = (path: string): boolean => path === '/api' || path.startsWith('/api/');

test('what an allowlist lets through stays below it in every reading of it', () => {
  const random = randomFrom(20261128);
  const all = readings();
  let allowed = 0;
  for (let i = 0; i < 12_000; i++) {
    const uri = randomPath(random);
    if (!isAllowed(uri)) continue;
    allowed++;
    const path = uri.slice(0, pathEnd(uri));
    const outside = all.map((read) => read(path)).find((read) => !isInside(read));
    if (outside !== undefined) throw new Error(`${uri} is allowed, and may be read as ${outside}`);
  }
  expect(allowed).toBeGreaterThan(500);
});

test.each([
  '/api/%252e%252e/admin',
  '/api/%25252e%25252e/admin',
  '/api/%25%32%65%25%32%65/admin',
  '/api/%2%65%2%65/admin',
  '/api/%u002e%u002e/admin',
  '/api/%25u002e%25u002e/admin',
  '/api/%c0%ae%c0%ae/admin',
  '/api/%C0%AE%C0%AE%C0%AFadmin',
  '/api/..%c0%afadmin',
  '/api/..%c1%9cadmin',
  '/api/x%c1%9c..%c1%9c..%c1%9cadmin',
  '/api/..%252fadmin',
  '/api/..%255cadmin',
  '/api/x%2500/../admin',
  '/api/..%3b/admin',
  '/api/..%20/admin',
  '/api/..%09/admin',
  `/api/%${'25'.repeat(40)}2e/admin`,
])('%s matches no paths', (uri) => {
  expect(isAllowed(uri)).toBe(false);
});

test.each([
  '/api/100%25',
  '/api/100%25x',
  '/api/%25',
  '/api/a%2520b',
  '/api/%C0',
  '/api/%C1gua',
  '/api/%C3%80',
  '/api/%zz',
  '/api/50%2',
  '/api/%u00e9',
  '/api/.hidden',
  '/api/x..y',
])('%s is what somebody may mean, and matches', (uri) => {
  expect(isAllowed(uri)).toBe(true);
});

test('a target behind an allowlist receives the bytes that were matched, and nothing else', async () => {
  const heads: string[] = [];
  const target = await startRawTarget(async (connection) => {
    for (;;) {
      heads.push(await connection.readHead());
      await connection.send('HTTP/1.1 204 No Content\r\n\r\n');
    }
  });
  const path = await startPath({
    routes: {
      targets: { prod: target.url },
      rules: [{ name: 'api', match: { paths: ['/api/*'] }, target: 'prod' }],
      default: 'reject',
    },
  });
  const random = randomFrom(7);
  const uris = Array.from({ length: 300 }, () => randomPath(random));
  for (const uri of uris) {
    const { responses } = await sendRaw(path.port, `GET ${uri} HTTP/1.1\r\nHost: a\r\n\r\n`, { responses: 1 });
    const status = responses[0]?.status;
    const last = heads.at(-1)?.split(' ')[1];
    expect({ uri, status, sent: status === 204 ? last : null }).toEqual(
      isAllowed(uri) ? { uri, status: 204, sent: uri } : { uri, status: 404, sent: null },
    );
  }
  expect(heads).toHaveLength(uris.filter(isAllowed).length);
});

describe('behind a target whose URL has a path', () => {
  test('what is sent stays below it in every reading', () => {
    const random = randomFrom(42);
    const all = readings();
    let sent = 0;
    for (let i = 0; i < 400; i++) {
      const uri = randomPath(random);
      const path = uri.slice(0, pathEnd(uri));
      if (leadsUp(path)) continue;
      sent++;
      const outside = all.map((read) => read(`/base/deep${path}`)).find((read) => !read.startsWith('/base/deep'));
      if (outside !== undefined) throw new Error(`${uri} is sent, and may be read as ${outside}`);
    }
    expect(sent).toBeGreaterThan(80);
  });

  test.each([
    ['/../admin', 400],
    ['/a/../../admin', 400],
    ['/%2e%2e/admin', 400],
    ['/.%2E/admin', 400],
    ['/%252e%252e/admin', 400],
    ['/..%2fadmin', 400],
    ['/..%5cadmin', 400],
    ['/..\\admin', 400],
    ['/..;/admin', 400],
    ['/..;x=1/admin', 400],
    ['/%c0%ae%c0%ae/admin', 400],
    ['/a%2f..%2f..%2fadmin', 400],
    ['/a/..?x', 400],
    ['/..', 400],
    ['//double//slashes/', 204],
    ['/./here', 204],
    ['/a..b/..c/d../...', 204],
    ['/q?next=/../admin&x=%2e%2e/', 204],
    ['/100%25/%20/%C3%A9', 204],
  ])('%s is answered %i', async (uri, status) => {
    const heads: string[] = [];
    const target = await startRawTarget(async (connection) => {
      heads.push(await connection.readHead());
      await connection.send('HTTP/1.1 204 No Content\r\n\r\n');
    });
    const path = await startPath({ routes: { targets: { prod: `${target.url}/base` } } });
    const { responses } = await sendRaw(path.port, `GET ${uri} HTTP/1.1\r\nHost: a\r\n\r\n`, { responses: 1 });
    expect(responses[0]?.status).toBe(status);
    expect(heads.map((head) => head.split(' ')[1])).toEqual(status === 204 ? [`/base${uri}`] : []);
    expect(path.metric('outrider_rejected_total', { reason: 'target' })).toBe(status === 400 ? 1 : 0);
  });

  test('a target without a path gets dot segments as they came', async () => {
    const target = await startRawTarget(async (connection) => {
      const head = await connection.readHead();
      await connection.send(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Line: ${head.split('\r\n', 1)[0]}\r\n\r\n`);
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const { responses } = await sendRaw(path.port, 'GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n', { responses: 1 });
    expect(responses[0]?.header('x-line')).toBe('GET /a/../b HTTP/1.1');
  });
});
