/** Requests with a secret in each place that a record, a log line or an answer of the API could show it from. */
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';

export interface Planted {
  readonly method?: string;
  readonly uri?: string;
  /** Name, value, name, value …; latin1. */
  readonly headers?: readonly string[];
  readonly body?: Uint8Array | string;
  /** Sent in chunks, with these lines as trailers. */
  readonly trailers?: string;
  /** The target that answers would refuse so much, and that is no failure. */
  readonly onlyDown?: boolean;
}

export interface Plant {
  readonly place: string;
  /** As it stands there: a name makes it one, or its form does. */
  readonly form: 'named' | 'jwt' | 'card' | 'key';
  readonly request: (secret: string) => Planted;
}

const JSON_TYPE = ['Content-Type', 'application/json'];
const FORM = ['Content-Type', 'application/x-www-form-urlencoded'];
const PARTS = ['Content-Type', 'multipart/form-data; boundary=B'];
const typed = (type: string): string[] => (type === '' ? [] : ['Content-Type', type]);
const basic = (secret: string): string => Buffer.from(`user:${secret}`).toString('base64');
const part = (name: string, content: string): string =>
  `--B\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${content}\r\n--B--\r\n`;

const named = (place: string, request: Plant['request']): Plant => ({ place, form: 'named', request });
const inHeader = (name: string, value: (secret: string) => string): Plant =>
  named(`header ${name}`, (secret) => ({ headers: [name, value(secret)] }));
const inUri = (uri: (secret: string) => string): Plant => named(`URI ${uri('…')}`, (secret) => ({ uri: uri(secret) }));
const inBody = (place: string, type: string, body: (secret: string) => Uint8Array | string): Plant =>
  named(`${place} as ${type}`, (secret) => ({ headers: typed(type), body: body(secret) }));

const itself = (secret: string): string => secret;

const HEADERS: readonly Plant[] = [
  ...['Authorization', 'AUTHORIZATION', 'cOOkie', 'Set-Cookie', 'Proxy-Authorization', 'X-API-Key', 'x_auth_token'].map(
    (name) => inHeader(name, itself),
  ),
  inHeader('X-Access-Token', itself),
  inHeader('Authorization', (secret) => `Basic ${basic(secret)}`),
  inHeader('X-Forwarded-Auth', (secret) => `Basic ${basic(secret)}`),
  inHeader('X-Forwarded-Auth', (secret) => `bearer 7|${secret}`),
  inHeader('Referer', (secret) => `https://app.test/cb?x=1#access_token=${secret}`),
  inHeader('Referer', (secret) => `https://user:${secret}@app.test/`),
  inHeader('X-Original-URL', (secret) => `/login?next=%2Fcb%3Ftoken%3D${secret}`),
  inHeader('X-User', (secret) => `{"pass\\u0077ord":"${secret}"}`),
  inHeader('X-Note', (secret) => `\xe4\xf6 password=${secret}; \xff`),
  named('header number 1,001', (secret) => ({
    headers: [...Array.from({ length: 1000 }, (_, n) => [n.toString(36), '']).flat(), 'authorization', secret],
    onlyDown: true,
  })),
  named('a duplicate header', (secret) => ({ headers: ['Cookie', 'a=b', 'COOKIE', secret] })),
  named('a trailer', (secret) => ({ body: 'x', trailers: `X-Api-Key: ${secret}\r\n` })),
];

const URIS: readonly Plant[] = [
  (secret: string) => `/a?token=${secret}`,
  (secret: string) => `/a?x=1;PassWord=${secret}`,
  (secret: string) => `/a?pass%77ord=${secret}`,
  (secret: string) => `/a?a[token]=${secret}`,
  (secret: string) => `/a?user.password=${secret}`,
  (secret: string) => `/a?accessToken=${secret}&access-token=${secret}&access_token=${secret}`,
  (secret: string) => `/a?q=%7B%22token%22%3A%22${secret}%22%7D`,
  (secret: string) => `/a;token=${secret}/b`,
  (secret: string) => `/a/password%3D${secret}/b`,
  (secret: string) => `/a?next=http%3A%2F%2Fu%3A${secret}%40h%2F`,
].map(inUri);

const deepJson = (secret: string): string =>
  JSON.stringify({
    a: JSON.stringify({ b: JSON.stringify({ c: JSON.stringify({ d: JSON.stringify({ secret }) }) }) }),
  });
const wide = (secret: string): Buffer => Buffer.from(`{"password":"${secret}"}`, 'utf16le');

const BODIES: readonly Plant[] = [
  inBody('JSON', 'application/json', (secret) => `{"user":{"PASSWORD":"${secret}","a":[{"api-key":["${secret}"]}]}}`),
  inBody('an escaped name', 'application/json', (secret) => `{"pass\\u0077ord":"${secret}"}`),
  inBody('the same name twice', 'application/json', (secret) => `{"token":"${secret}","token":"${secret}"}`),
  inBody('JSON with a mark', 'application/json', (secret) => `\uFEFF{"password":"${secret}"}`),
  inBody('JSON with a comment', 'application/json', (secret) => `{/* */"password":"${secret}"}`),
  inBody('cut off JSON', 'application/json', (secret) => `{"password":"${secret}`),
  inBody('JSON in JSON', 'application/json', deepJson),
  inBody('a name and its value', 'application/json', (secret) => `[{"value":"${secret}","name":"password"}]`),
  inBody('a name as prototypes have', 'application/json', (secret) => `{"__proto__":{"password":"${secret}"}}`),
  inBody('lines', 'application/x-ndjson', (secret) => `{"a":1}\n{"password":"${secret}"}\n`),
  inBody('lines', 'application/json', (secret) => `{"a":1}\n{"password":"${secret}"}\n`),
  inBody('JSON', 'text/plain', (secret) => `{"password":"${secret}"}`),
  inBody('JSON', '', (secret) => `{"password":"${secret}"}`),
  inBody('broken JSON with an escaped name', 'application/octet-stream', (secret) => `{"p\\u0061ssword":"${secret}",}`),
  inBody('wide JSON', 'application/json', wide),
  inBody('wide JSON', 'text/plain', wide),
  inBody('UTF-7', 'text/plain; charset=utf-7', (secret) => `+AHAAYQBzAHMAdwBvAHIAZA-=${secret}`),
  inBody('a form', FORM[1] ?? '', (secret) => `a=1&password=${secret}&user%5Btoken%5D=${secret}`),
  inBody('JSON in a form', FORM[1] ?? '', (secret) => `payload=%7B%22token%22%3A%22${secret}%22%7D`),
  inBody('a cut off form', FORM[1] ?? '', (secret) => `a=1&password=${secret}&b=%4`),
  inBody('a form', 'text/plain', (secret) => `user=u\r\npassword=two words ${secret}\r\n`),
  inBody('XML', 'text/xml', (secret) => `<e><p:Password a="b">${secret}</p:Password></e>`),
  inBody('YAML', 'application/yaml', (secret) => `a: 1\npassword: |\n  ${secret}\n`),
  inBody('parts', PARTS[1] ?? '', (secret) => part('Password', secret)),
  inBody('parts without an end', PARTS[1] ?? '', (secret) => part('a', `password=${secret}`).slice(0, -7)),
  inBody('parts in a part', PARTS[1] ?? '', (secret) =>
    part('a"\r\nContent-Type: multipart/mixed; boundary="C', `--C\r\n\r\npassword=${secret}\r\n--C--`),
  ),
  inBody('parts', 'text/plain', (secret) => part('password', secret)),
  inBody('a name of a file', PARTS[1] ?? '', (secret) => part(`f"; filename="token=${secret}`, 'x')),
  inBody('bytes', 'application/msgpack', (secret) => Buffer.from(`\x81\xa8password\xd9\x30${secret}`, 'latin1')),
  ...[
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ].map(([coding, compress]) =>
    named(`a body in ${coding}`, (secret) => ({
      headers: [...JSON_TYPE, 'Content-Encoding', String(coding)],
      body: typeof compress === 'function' ? compress(Buffer.from(`{"password":"${secret}"}`)) : '',
    })),
  ),
  named('a body of two types', (secret) => ({
    headers: [...JSON_TYPE, 'content-type', 'text/plain'],
    body: `{"password":"${secret}"}`,
  })),
];

const FORMS: readonly Plant[] = (['jwt', 'card', 'key'] as const).flatMap((form) => [
  { place: `${form} in a header`, form, request: (secret) => ({ headers: ['X-Note', encodeURI(`see ${secret}`)] }) },
  { place: `${form} in a path`, form, request: (secret) => ({ uri: `/a/${encodeURIComponent(secret)}/b` }) },
  { place: `${form} in a query`, form, request: (secret) => ({ uri: `/a?q=${encodeURIComponent(secret)}` }) },
  {
    place: `${form} in text`,
    form,
    request: (secret) => ({ headers: typed('text/plain'), body: `see ${secret} 12/27` }),
  },
  {
    place: `${form} in JSON`,
    form,
    request: (secret) => ({ headers: JSON_TYPE, body: JSON.stringify({ a: [secret] }) }),
  },
  {
    place: `${form} in a form`,
    form,
    request: (secret) => ({ headers: FORM, body: `a=${encodeURIComponent(secret)}` }),
  },
  { place: `${form} in a part`, form, request: (secret) => ({ headers: PARTS, body: part('a', secret) }) },
]);

export const PLANTS: readonly Plant[] = [...HEADERS, ...URIS, ...BODIES, ...FORMS];

/** Bodies without a secret: they are published as they were sent. */
export const HARMLESS: readonly (readonly [type: string, body: string | Buffer])[] = [
  ['application/json', '{ "n": 1.0e500, "big": 12345678901234567890,\r\n\t"b" : [ ],"b":-0.0, "u":"\\u00e9\\ud83d" }'],
  [
    'application/json',
    '{"__proto__":1,"constructor":{"hasOwnProperty":null},"tokens":3,"name":"colour","value":"red"}',
  ],
  ['application/x-www-form-urlencoded', 'a=1&b=%C3%A9+x&&c;d=%zz&e=7b9d3f60-1c2d-4e5f-8a9b-0c1d2e3f4a5b'],
  ['multipart/form-data; boundary=B', part('order', 'no. 4111 1111 1111 1112\r\n--Bx')],
  ['text/xml', '<?xml version="1.0"?><order id="7"><note>the basic idea &amp; more</note></order>'],
  ['text/plain', 'order 1697812345678 of 2026-11-28, https://shop.test/a?page=2&lang=de'],
  ['application/octet-stream', Buffer.from(Array.from({ length: 1024 }, (_, index) => (index * 7) & 255))],
  ['', '<html><body>no type</body></html>'],
];
