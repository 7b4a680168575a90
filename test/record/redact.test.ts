/** Secrets in every place and disguise; what is no secret keeps its bytes. */
import { createRedactor, type Redactor, redactCapture } from '../../src/record/redact.ts';
import type { RedactSettings } from '../../src/record/redact-rules.ts';
import { captureOf, inFile, inMemory } from './spool-fixtures.ts';

const SETTINGS: RedactSettings = {
  headers: ['authorization', 'cookie', 'set-cookie', 'proxy-authorization', 'x-api-key', 'x-auth-token'],
  fields: [
    'password',
    'passwd',
    'secret',
    'token',
    'access_token',
    'refresh_token',
    'api_key',
    'apikey',
    'authorization',
    'credit_card',
  ],
  patterns: ['bearer', 'jwt', 'private-key', 'aws-key', 'card-number'],
  keepOriginal: true,
};
const redactor = createRedactor(SETTINGS);
const S = 'hunter2-s3cret';
const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U';
const PEM = `-----BEGIN RSA PRIVATE KEY-----\nMIIEow${S}\n-----END RSA PRIVATE KEY-----`;

function body(text: string | Buffer, contentType: string, more: Parameters<Redactor['body']>[2] = {}) {
  const { value, paths, withheld } = redactor.body(Buffer.isBuffer(text) ? text : Buffer.from(text), contentType, more);
  return { text: Buffer.from(value).toString(), paths, withheld };
}

describe('headers', () => {
  test.each([
    'Authorization',
    'AUTHORIZATION',
    'cookie',
    'Set-Cookie',
    'X-API-KEY',
    'x_api_key',
    'Proxy-Authorization',
    'Password',
    'Access-Token',
  ])('%s loses its value, whatever the case of its name', (name) => {
    const { value, paths } = redactor.headers([name, S, 'Accept', '*/*']);
    expect(value).toEqual([name, '[redacted]', 'Accept', '*/*']);
    expect(paths).toEqual([`headers.${name.toLowerCase()}`]);
  });

  test('S09 duplicates all lose theirs, also the last of a thousand, and are listed once', () => {
    const many = Array.from({ length: 1000 }, (_, index) => [`x-${index}`, 'v']).flat();
    const { value, paths } = redactor.headers(['Authorization', S, ...many, 'authorization', S]);
    expect(value.join()).not.toContain(S);
    expect(paths).toEqual(['headers.authorization']);
  });

  test.each([
    ['Referer', `http://a.test/?x=1&Token=${S}#f`, 'http://a.test/?x=1&Token=[redacted]#f'],
    ['Location', `https://user:${S}@a.test/b`, 'https://[redacted]@a.test/b'],
    ['Location', `https://user:p@${S}@a.test/b`, 'https://[redacted]@a.test/b'],
    ['X-Forwarded-Auth', `Bearer ${S}`, 'Bearer [redacted]'],
    ['X-Jwt', JWT, '[redacted]'],
    ['X-Note', `id=1; password=${S}; b=2`, 'id=1; password=[redacted]; b=2'],
    ['X-Note', `api%5Fkey=${S}`, 'api%5Fkey=[redacted]'],
    ['X-Note', `password="${S} with spaces"`, 'password=[redacted]'],
    ['User-Agent', 'curl/8.1 (a=b; c=d)', 'curl/8.1 (a=b; c=d)'],
    ['__proto__', 'v', 'v'],
  ])('%s: %s is shown as %s', (name, value, shown) => {
    expect(redactor.headers([name, value]).value).toEqual([name, shown]);
  });

  test('without the cookie header in the list its secret pairs go all the same', () => {
    const other = createRedactor({ ...SETTINGS, headers: [] });
    expect(other.headers(['Cookie', `a=1; token=${S}; b=2`]).value).toEqual(['Cookie', 'a=1; token=[redacted]; b=2']);
  });
});

describe('URIs', () => {
  test.each([
    [`/a?token=${S}`, '/a?token=[redacted]', ['query.token']],
    [`/a?x=1&PASSWORD=${S}&y=2`, '/a?x=1&PASSWORD=[redacted]&y=2', ['query.PASSWORD']],
    [`/a?pass%77ord=${S}`, '/a?pass%77ord=[redacted]', ['query.password']],
    [`/a?user[password]=${S}`, '/a?user[password]=[redacted]', ['query.user[password]']],
    [`/a?x=1;token=${S}`, '/a?x=1;token=[redacted]', ['query.token']],
    // A value may hold a slash, so it ends where the path does.
    [`/a;token=${S}/b`, '/a;token=[redacted]', ['path']],
    [`/a/${JWT}/b`, '/a/[redacted]/b', ['path']],
    [`/a?card=4111+1111+1111+1111`, '/a?card=[redacted]', ['query.card']],
    [`/a?next=http%3A%2F%2Fu%3A${S}%40h%2F`, '/a?next=[redacted]', ['query.next']],
    [`/a?q=%7B%22token%22%3A%22${S}%22%7D`, '/a?q=%7B%22token%22%3A%22%5Bredacted%5D%22%7D', ['query.q.token']],
    ['/a?token=', '/a?token=', []],
    ['/a?x=%zz&y=%ff', '/a?x=%zz&y=%ff', []],
    ['/a//b/../c?', '/a//b/../c?', []],
    ['*', '*', []],
  ])('%s is shown as %s', (uri, shown, paths) => {
    expect(redactor.uri(uri)).toEqual({ value: shown, paths });
  });
});

describe('JSON', () => {
  test('loses values of secret names at any depth, in lists, whole when they are objects', () => {
    const shown = body(
      `{"user":{"Password":"${S}","a":[{"api-key":["${S}"]},{"apiKey":{"x":"${S}"}}]}}`,
      'application/json',
    );
    expect(shown.text).toBe(
      '{"user":{"Password":"[redacted]","a":[{"api-key":"[redacted]"},{"apiKey":"[redacted]"}]}}',
    );
    expect(shown.paths).toEqual(['body.user.Password', 'body.user.a[].api-key', 'body.user.a[].apiKey']);
  });

  test.each([
    ['an escaped name', `{"pass\\u0077ord":"${S}"}`],
    ['an escaped solidus and quotes before', `{"a\\/\\"":"\\\\","password":"${S}"}`],
    ['the same name twice', `{"password":"${S}","password":"${S}"}`],
    ['a nested document in a string', JSON.stringify({ a: JSON.stringify({ b: JSON.stringify({ password: S }) }) })],
    ['a token in a value', `{"a":"Bearer ${S}"}`],
    ['an escaped token in a value', `{"a":"Be\\u0061rer ${S}"}`],
    ['a private key in a value', JSON.stringify({ a: PEM })],
    ['a name that is a secret', `{"x":{"Bearer ${S}":1}}`],
    ['a byte order mark', `\uFEFF{"password":"${S}"}`],
    ['a top-level list', `[[[{"password":"${S}"}]]]`],
    ['a top-level string', `"Bearer ${S}"`],
    ['a URL with credentials', `{"url":"https://u:${S}@h/"}`],
    ['prototype names', `{"__proto__":{"password":"${S}"},"constructor":1}`],
  ])('%s shows nothing and stays JSON', (_, text) => {
    const shown = body(text, 'application/json; charset=UTF-8');
    expect(shown.text).not.toContain(S);
    expect(shown.withheld).toBe(false);
    expect(shown.paths.length).toBeGreaterThan(0);
    JSON.parse(shown.text.replace('\uFEFF', ''));
  });

  test('keeps every other byte: numbers, order, white space, duplicates', () => {
    const text =
      '{ "n": 1.0e500, "big": 12345678901234567890,\r\n\t"b" : [ ],"b":-0.0, "u":"\\u00e9\\ud83d" , "password" : 1 }';
    expect(body(text, 'application/json').text).toBe(text.replace('1 }', '"[redacted]" }'));
  });

  test('comes back as the same bytes when nothing is secret', () => {
    const bytes = Buffer.from('{"a":[1,2,{"b":null}],"tokens":3}');
    expect(redactor.body(bytes, 'application/json').value).toBe(bytes);
  });

  test.each([
    ['a comma too many', '{"a":1,}'],
    ['cut off', `{"password":"${S}`],
    ['something behind it', '{"a":1} x'],
    ['single quotes', `{'password':'${S}'}`],
    ['a comment', `{/* */"password":"${S}"}`],
    ['NaN', '{"a":NaN}'],
    ['a bad escape', '{"a":"\\x"}'],
    ['too deep', `${'['.repeat(5000)}${']'.repeat(5000)}`],
    ['empty but for a space', ' '],
    ['UTF-16', Buffer.from(`{"password":"${S}"}`, 'utf16le')],
    ['UTF-16 with its mark', Buffer.from(`\uFEFF{"password":"${S}"}`, 'utf16le')],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ])('%s is withheld', (_, text) => {
    expect(body(text, 'application/json')).toEqual({ text: '', paths: ['body'], withheld: true });
  });

  test.each([
    'application/problem+json',
    'text/json',
    'application/vnd.api+json; x=y',
    'APPLICATION/JSON',
    'application/json-patch+json',
  ])('%s is JSON', (type) => {
    expect(body(`{"password":"${S}"}`, type).text).toBe('{"password":"[redacted]"}');
    expect(body('{', type).withheld).toBe(true);
  });

  test('one document a line, and text sequences', () => {
    const lines = `{"a":1}\n{"password":"${S}"}\n\n\u001e{"token":"${S}"}\n`;
    expect(body(lines, 'application/x-ndjson').text).toBe(
      '{"a":1}\n{"password":"[redacted]"}\n\n\u001e{"token":"[redacted]"}\n',
    );
    expect(body('{"a":1}\nnot json', 'application/x-ndjson').withheld).toBe(true);
  });
});

describe('forms', () => {
  const FORM = 'application/x-www-form-urlencoded';
  test.each([
    [`a=1&password=${S}&b=2`, 'a=1&password=[redacted]&b=2'],
    [`a=1;pass%77ord=${S}`, 'a=1;pass%77ord=[redacted]'],
    [`user%5Bpassword%5D=${S}`, 'user%5Bpassword%5D=[redacted]'],
    [`user.password=${S}`, 'user.password=[redacted]'],
    [`note=Bearer+${S}`, 'note=[redacted]'],
    [`{"password":"${S}"}`, '{"password":"[redacted]"}'],
    [
      `payload=${encodeURIComponent(JSON.stringify({ token: S }))}`,
      `payload=${encodeURIComponent('{"token":"[redacted]"}')}`,
    ],
    ['a=1&b=%C3%A9&c', 'a=1&b=%C3%A9&c'],
  ])('%s is shown as %s', (text, shown) => {
    expect(body(text, FORM).text).toBe(shown);
  });

  test('wide text and broken JSON with secret names are withheld', () => {
    expect(body(Buffer.from(`password=${S}`, 'utf16le'), FORM).withheld).toBe(true);
    expect(body(`{"password":"${S}"`, FORM).withheld).toBe(true);
  });
});

describe('multipart', () => {
  const part = (head: string, content: string) => `--B\r\n${head}\r\n\r\n${content}\r\n`;
  const named = (name: string, content: string) => part(`Content-Disposition: form-data; name="${name}"`, content);
  const TYPE = 'multipart/form-data; boundary=B';

  test('loses the content of secret parts and what is secret in others, and keeps the rest', () => {
    const file = 'Content-Disposition: form-data; name="f"; filename="a.json"\r\nContent-Type: application/json';
    const text = `pre\r\n${named('a', 'one\r\ntwo')}${named('Password', S)}${part(file, `{"token":"${S}","n":1.0}`)}--B--\r\nepilogue`;
    const shown = body(text, TYPE);
    expect(shown.text).toBe(
      `pre\r\n${named('a', 'one\r\ntwo')}${named('Password', '[redacted]')}${part(file, '{"token":"[redacted]","n":1.0}')}--B--\r\nepilogue`,
    );
    expect(shown.paths).toEqual(['body.Password', 'body.f.token']);
  });

  test.each([
    ['an unquoted name', part('Content-Disposition: form-data; name=password', S)],
    ['another case', part('CONTENT-DISPOSITION: form-data; NAME="PassWord"', S)],
    ['an extended name', part("Content-Disposition: form-data; name*=UTF-8''pass%77ord", S)],
    ['a second name', part('Content-Disposition: form-data; name="a"; name="password"', S)],
    ['an escaped name', part('Content-Disposition: form-data; name="pass\\word"', S)],
    ['a folded header', part('Content-Disposition: form-data;\r\n name="password"', S)],
    ['a header of its own', part(`Content-Disposition: form-data; name="a"\r\nAuthorization: ${S}`, 'x')],
    ['a token in the text', named('a', `Bearer ${S}`)],
    ['bare line feeds', `--B\nContent-Disposition: form-data; name="password"\n\n${S}\n`],
  ])('%s shows nothing', (_, text) => {
    const shown = body(`${text}--B--\r\n`, TYPE);
    expect(shown.text).not.toContain(S);
    expect(shown.withheld).toBe(false);
  });

  test.each([
    ['no boundary', `${named('a', S)}--B--\r\n`, 'multipart/form-data'],
    ['no end', named('a', S), TYPE],
    ['another boundary', `${named('a', S)}--B--\r\n`, 'multipart/form-data; boundary=C'],
    ['a part without a name', `${part('X: y', S)}--B--\r\n`, TYPE],
    [
      'a part in base64',
      `${part('Content-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64', 'c2VjcmV0')}--B--\r\n`,
      TYPE,
    ],
    [
      'a JSON part that is none',
      `${part('Content-Disposition: form-data; name="a"\r\nContent-Type: application/json', '{')}--B--\r\n`,
      TYPE,
    ],
  ])('%s is withheld', (_, text, type) => {
    expect(body(text, type)).toEqual({ text: '', paths: ['body'], withheld: true });
  });

  test.each([
    ['control characters', 'S3://\xf7\xc6H0F\xb0ZQU\x13\x1f@d\xff'],
    ['no scheme', '\xbf://\xf7\xc6@\xff'],
  ])('bytes that only look like a URL with credentials stay: %s', (_, bytes) => {
    const sent = Buffer.from(bytes, 'latin1');
    expect(redactor.body(sent, 'application/octet-stream', {}).value).toEqual(sent);
  });

  test('credentials in a URL go also where the text is not UTF-8', () => {
    const sent = Buffer.from('\xe4 ftp://user:p\xe4ss@host/', 'latin1');
    const { value } = redactor.body(sent, 'application/octet-stream', {});
    expect(Buffer.from(value)).toEqual(Buffer.from('\xe4 ftp://[redacted]@host/', 'latin1'));
  });

  test('binary parts keep their bytes', () => {
    const binary = Buffer.from([0, 255, 128, 13, 10, 45, 45, 66, 88]);
    const text = Buffer.concat([
      Buffer.from(`--B\r\nContent-Disposition: form-data; name="f"\r\n\r\n`),
      binary,
      Buffer.from(`\r\n${named('token', S)}--B--`),
    ]);
    const { value } = redactor.body(text, TYPE);
    expect(Buffer.from(value).includes(binary)).toBe(true);
    expect(Buffer.from(value).includes(S)).toBe(false);
  });
});

describe('other bodies', () => {
  test.each([
    ['', `{"password":"${S}"}`],
    ['text/plain', `password=${S}&a=1`],
    ['', `x Bearer ${S} y`],
    ['text/xml', `<login password="${S}" a="1"/>`],
    ['application/octet-stream', `\u0000\u0001${PEM}`],
    ['text/plain', `-----BEGIN OPENSSH PRIVATE KEY-----\n${S} cut off`],
  ])('of type "%s" show no secret: %s', (type, text) => {
    const shown = body(text, type);
    expect(shown.text).not.toContain(S);
    expect(shown).toMatchObject({ withheld: false, paths: expect.arrayContaining([expect.stringMatching(/^body/)]) });
  });

  test('bytes that are no text come back as they were', () => {
    const bytes = Buffer.from(Array.from({ length: 512 }, (_, index) => index & 255));
    expect(redactor.body(bytes, 'image/png').value).toBe(bytes);
  });

  test.each([
    ['compressed', 'text/plain', { contentEncoding: 'gzip' }],
    ['cut off', 'application/json', { truncated: true }],
    ['a cut off form', 'application/x-www-form-urlencoded', { truncated: true }],
    ['of two types', 'application/json, text/plain', {}],
    ['of wide characters', 'text/plain; charset="utf-16"', {}],
  ])('%s are withheld', (_, type, more) => {
    expect(body('{"a":1}', type, more)).toEqual({ text: '', paths: ['body'], withheld: true });
  });

  test('an untyped start of JSON with a secret name is withheld', () => {
    expect(body(`{"a":1,"password":"${S}`, '', { truncated: true }).withheld).toBe(true);
    expect(body('{"a":1,"b":"c', '', { truncated: true })).toMatchObject({ text: '{"a":1,"b":"c', withheld: false });
  });

  test('an empty body is nothing to withhold', () => {
    expect(body('', 'application/json', { contentEncoding: 'gzip', truncated: true })).toMatchObject({
      paths: [],
      withheld: false,
    });
  });
});

describe('values of secret form', () => {
  test.each([
    ['bearer', `authorization: bearer ${S}.x~y+z/== end`, 'authorization: bearer [redacted] end'],
    ['jwt', `a ${JWT} b`, 'a [redacted] b'],
    ['jwt', 'a eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0. b', 'a [redacted] b'],
    ['private-key', `a ${PEM} b`, 'a [redacted] b'],
    ['aws-key', 'key AKIAIOSFODNN7EXAMPLE.', 'key [redacted].'],
    [
      'aws-key',
      'aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
      'aws_secret_access_key = [redacted]',
    ],
    ['card-number', 'pay 4111 1111 1111 1111 now', 'pay [redacted] now'],
    ['card-number', '5555-5555-5555-4444', '[redacted]'],
    ['card-number', '378282246310005', '[redacted]'],
  ] as const)('%s: %s', (pattern, text, shown) => {
    const only = createRedactor({ ...SETTINGS, fields: [], patterns: [pattern] });
    expect(only.text(text)).toBe(shown);
    expect(createRedactor({ ...SETTINGS, fields: [], patterns: [] }).text(text)).toBe(text);
  });

  test.each([
    '4111 1111 1111 1112',
    '1697812345678',
    '12345678901234567890',
    'example.com.eyJ',
    '0.4111111111111111',
    'AKIA lower',
    'forbearer x',
  ])('%s is none', (text) => {
    expect(redactor.text(text)).toBe(text);
  });

  test('no input makes the search slow', () => {
    const evil = [
      'eyJ-',
      '://',
      'a=',
      '-----BEGIN PRIVATE KEY-----',
      '4 ',
      'aws',
      '"',
      '{"a":',
      ' a',
      '.',
      '\\',
      '--B\r\n',
      '&',
    ];
    for (const piece of evil) {
      const text = piece.repeat(200_000);
      const began = performance.now();
      for (const type of [
        '',
        'application/json',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=B',
      ])
        body(text, type);
      redactor.headers(['X', text.slice(0, 65_536)]);
      expect([piece, performance.now() - began < 5000]).toEqual([piece, true]);
    }
  }, 60_000);
});

describe('a capture before its first write', () => {
  const head = {
    ...captureOf().head,
    uri: `/a?token=${S}`,
    rawHeaders: ['Content-Type', 'application/json', 'Cookie', S, 'Referer', `/?token=${S}`],
  };
  const response = {
    status: 503,
    rawHeaders: ['Set-Cookie', S, 'Content-Type', 'application/json'],
    body: Buffer.from(`{"token":"${S}"}`),
    truncated: false,
  };
  const capture = captureOf('', {
    head,
    response,
    body: inMemory(Buffer.from(`{"password":"${S}"}`)),
    backendUrl: `http://u:${S}@h/`,
    errorReason: `no ${JWT}, token=${S}`,
    attempts: [{ at: 1, url: `http://h/?token=${S}`, reason: null, status: 200, requestSent: 'yes', ms: 1 }],
  });

  test('holds no secret any more, and says where there were some', () => {
    const redacted = redactCapture(capture, redactor);
    const { body: copy, ...rest } = redacted;
    const bytes = copy.kind === 'memory' ? Buffer.from(copy.bytes).toString() : '';
    expect(bytes).toBe('{"password":"[redacted]"}');
    expect(JSON.stringify(rest)).not.toContain(S);
    expect(Buffer.from(redacted.response?.body ?? []).toString()).toBe('{"token":"[redacted]"}');
    expect(redacted.redacted).toEqual([
      ...['headers.cookie', 'headers.referer', 'query.token', 'body.password', 'backend_url', 'error_reason'],
      ...['response.headers.set-cookie', 'response.body.token'],
    ]);
    expect(copy).toMatchObject({ truncated: false, totalBytes: bytes.length });
  });

  test.each([
    ['can not be looked into', inMemory(Buffer.from(`{"password":"${S}`))],
    ['lies in a file', inFile(3, 100_000)],
  ])('a body that %s is not kept', (_, copy) => {
    const redacted = redactCapture({ ...capture, body: copy }, redactor);
    expect(redacted.body).toEqual({
      kind: 'memory',
      bytes: new Uint8Array(0),
      truncated: true,
      totalBytes: copy.totalBytes,
    });
    expect(redacted.redacted).toContain('body');
  });
});
