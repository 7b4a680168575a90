import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXCERPT_BYTES, maskExcerpt, maskTarget } from '../../src/watch/excerpt.ts';

test.each([
  ['the query', 'GET /a?token=hunter2 HTTP/1.1', 'GET /a?[redacted] HTTP/1.1'],
  ['a query with raw spaces', 'GET /a?x=hunter2 hunter2 HTTP/1.1', 'GET /a?[redacted] HTTP/1.1'],
  ['a parameter of a path', 'GET /a;token=hunter2/b HTTP/1.1', 'GET /[redacted]/b HTTP/1.1'],
  ['an encoded one', 'GET /a/password%3Dhunter2/b?c=d HTTP/1.1', 'GET /a/[redacted]/b?[redacted] HTTP/1.1'],
  ['credentials', 'GET http://u:hunter2@h/a HTTP/1.1', 'GET http://[redacted]@h/a HTTP/1.1'],
  ['credentials with a slash', 'GET http://u:hunt/er2@h/a HTTP/1.1', 'GET http://[redacted]@h/a HTTP/1.1'],
  ['a field', 'GET / HTTP/1.1\r\nx-any: hunter2', 'GET / HTTP/1.1\\r\\nx-any: [redacted]'],
  ['a folded field', 'GET / HTTP/1.1\r\nx-any: a\r\n hunter2', 'GET / HTTP/1.1\\r\\nx-any: [redacted]\\r\\n[redacted]'],
  [
    'a fold that looks like a field',
    'GET / HTTP/1.1\r\nx: a\r\n host: hunter2',
    'GET / HTTP/1.1\\r\\nx: [redacted]\\r\\n[redacted]',
  ],
  ['a field after a bare LF', 'GET / HTTP/1.1\nx-any: hunter2', 'GET / HTTP/1.1\\r\\nx-any: [redacted]'],
  ['a field after a bare CR', 'GET / HTTP/1.1\rx-any: hunter2', 'GET / HTTP/1.1\\r\\nx-any: [redacted]'],
  ['a line without a colon', 'GET / HTTP/1.1\r\nhunter2', 'GET / HTTP/1.1\\r\\n[redacted]'],
  ['a body', 'POST / HTTP/1.1\r\n\r\nhunter2', 'POST / HTTP/1.1\\r\\n\\r\\n[redacted]'],
  ['a form in place of a request', 'password=hunter2&x=1', 'password=[redacted]'],
  ['JSON in place of a request', '{"password": "hunter2"}', '{"password":[redacted]'],
  ['a field in place of a request', 'Authorization: hunter2', 'Authorization:[redacted]'],
])('masks %s', (_, bytes, shown) => {
  expect(maskExcerpt(bytes)).toBe(shown);
});

const TOKEN = `eyJhbGciOiJIUzI1NiJ9.${'eyJzdWIiOiIxIn0'.repeat(20)}.c2ln`;

test.each([
  ['whole in a path', `GET /reset/${TOKEN.replace(/(.{15})\1{19}/, '$1')} HTTP/1.1`, 'GET /reset/[redacted] HTTP/1.1'],
  ['cut off in a path', `GET /reset/${TOKEN}`, 'GET /reset/[redacted]'],
  [
    'cut off in a field that is shown',
    `GET / HTTP/1.1\r\nUser-Agent: a ${TOKEN}`,
    'GET / HTTP/1.1\\r\\nUser-Agent: a [redacted]',
  ],
])('masks a token that is %s', (_, bytes, shown) => {
  expect(maskExcerpt(bytes)).toBe(shown);
});

test('shows the fields that a request is refused for', () => {
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked';
  expect(maskExcerpt(head)).toBe(head.replaceAll('\r\n', '\\r\\n'));
});

test('escapes what does not print, and shows no more than 200 bytes of the request', () => {
  expect(maskExcerpt('\x16\x03\x01\x02\x00\x1b[2J\xff')).toBe('\\x16\\x03\\x01\\x02\\x00\\x1b[2J\\xff');
  const long = maskExcerpt(`GET /${'a'.repeat(500)}`);
  expect(long).toHaveLength(EXCERPT_BYTES);
});

test('a target keeps its path and loses its query and fragment', () => {
  expect(maskTarget('/a/b?c=d#e')).toBe('/a/b?[redacted]');
  expect(maskTarget('/a/b#e')).toBe('/a/b#[redacted]');
  expect(maskTarget('/a/b')).toBe('/a/b');
});

test.each(['a', '/', '//', '//a@', '=', '%3d', 'a '])('a target of 1 MiB of "%s" takes no time', (piece) => {
  const target = piece.repeat((1 << 20) / piece.length);
  const began = process.threadCpuUsage();
  maskTarget(target);
  const { user, system } = process.threadCpuUsage(began);
  expect((user + system) / 1000).toBeLessThan(500);
});

const corpus = join(import.meta.dirname, '../../../shared/corpus/requests.jsonl');
const there = existsSync(corpus) ? test : test.skip;
there('every request of the corpus becomes one printable line', () => {
  const lines = readFileSync(corpus, 'utf8').trimEnd().split('\n');
  expect(lines.length).toBeGreaterThan(10);
  for (const line of lines) {
    const { bytes_b64 } = JSON.parse(line);
    expect(maskExcerpt(Buffer.from(bytes_b64, 'base64').toString('latin1'))).toMatch(/^[ -~]*$/);
  }
});
