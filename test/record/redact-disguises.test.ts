/** Secrets in disguise: what a parser of the target would read, and a search for plain names would not. */
import { createRedactor } from '../../src/record/redact.ts';
import { DEFAULT_REDACTION } from './redact-defaults.ts';

const redactor = createRedactor(DEFAULT_REDACTION);
const S = 'hunter2-s3cret';
const FORM = 'application/x-www-form-urlencoded';

interface Shown {
  readonly text: string;
  readonly withheld: boolean;
}

function body(text: string | Buffer, contentType: string, truncated = false): Shown {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const { value, withheld } = redactor.body(bytes, contentType, { truncated });
  return { text: Buffer.from(value).toString('latin1').replaceAll('\0', ''), withheld };
}

describe('S09 URLs and headers', () => {
  test.each([
    ['a fragment', `https://app.test/cb#access_token=${S}&x=1`, 'https://app.test/cb#access_token=[redacted]&x=1'],
    ['an encoded URL in a query', `/login?next=%2Fcb%3Ftoken%3D${S}`, '/login?next=[redacted]'],
    ['an encoded URL in a path', `/go/http%3A%2F%2Fu%3A${S}%40h/x`, '/go/[redacted]/x'],
    ['twice encoded', `/login?next=%252Fcb%253Ftoken%253D${S}`, '/login?next=[redacted]'],
    ['an encoded equals sign', `/a/password%3D${S}/b`, '/a/[redacted]/b'],
    ['a list', `/a?token[]=${S}`, '/a?token[]=[redacted]'],
    ['an encoded list', `/a?token%5B0%5D=${S}`, '/a?token%5B0%5D=[redacted]'],
    ['a path of names', `/a?login.user%5Bpassword%5D=${S}`, '/a?login.user%5Bpassword%5D=[redacted]'],
    ['camel case', `/a?accessToken=${S}`, '/a?accessToken=[redacted]'],
    ['hyphens', `/a?access-token=${S}`, '/a?access-token=[redacted]'],
    ['an encoded NUL behind the name', `/a?token%00=${S}`, '/a?token%00=[redacted]'],
    ['an escaped ampersand', `/a?x=1&amp;token=${S}`, '/a?x=1&amp;token=[redacted]'],
    ['userinfo without an end in bounds', `http://u:${S.repeat(500)}@h/`, 'http://[redacted]@h/'],
    ['a name in quotes', `/a?q="password":"${S}"`, '/a?q=[redacted]'],
  ])('%s', (_, uri, shown) => {
    expect(redactor.uri(uri).value).toBe(shown);
    const { value } = redactor.headers(['Referer', uri]);
    expect(value.join()).not.toContain(S);
  });

  test.each([
    ['JSON', `{"user":"u","password":"${S}"}`],
    ['escaped JSON', `{\\"password\\":\\"${S}\\"}`],
    ['escaped letters', `{"pass\\u0077ord":"${S}"}`],
    ['a pair in a quoted value', `cmd="mysql --password=${S}"`],
    ['quotes with an escaped one inside', `password="a\\"${S}"`],
    ['a colon in quotes', `'password': '${S}'`],
    ['basic credentials', `Basic ${Buffer.from(`user:${S}`).toString('base64')}`],
    ['a token with a bar', `Bearer 17|${S}`],
    ['a token with a dollar', `Bearer a$${S}`],
    ['a long name', `${'a'.repeat(300)}[password]=${S}`],
  ])('a header with %s', (_, value) => {
    const shown = redactor.headers(['X-Note', value]).value.join();
    expect(shown).not.toContain(S);
    expect(shown).not.toContain(Buffer.from(`user:${S}`).toString('base64'));
  });

  test.each(['X-Access-Token', 'x-password', 'X-Secret', 'API-KEY', 'Credit_Card'])('%s is a secret header', (name) => {
    expect(redactor.headers([name, S]).value).toEqual([name, '[redacted]']);
  });

  test('a name that is a token is shown as little as a value', () => {
    const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';
    const { value, paths } = redactor.headers([jwt, 'x']);
    expect(JSON.stringify([value, paths])).not.toContain('eyJ');
  });

  test('a challenge names no secret', () => {
    const challenge = ['WWW-Authenticate', 'Bearer realm="api", error="invalid_request"'];
    expect(redactor.headers(challenge).value).toEqual(challenge);
  });
});

describe('S09 bodies without a true type', () => {
  test.each([
    ['cut off JSON with an escaped name', `{"a":1,"pass\\u0077ord":"${S}`, '', true],
    ['JSON with an escaped name and a comma too many', `{"pass\\x77ord":"${S}",}`, 'text/plain', false],
    ['JSON that is nested too deeply', `${'['.repeat(5000)}{"p\\u0061ssword":"${S}"}`, '', false],
    ['JSON behind a byte order mark', `\uFEFF{"password":"${S}"}`, 'application/octet-stream', false],
    ['JSON in a call', `cb({"password":"${S}"})`, 'application/javascript', false],
    ['events', `event: login\ndata: {"pass\\u0077ord":"${S}"}\n\n`, 'text/event-stream', false],
    ['names without quotes', `{user: 'u', password: ${S}}`, 'text/plain', false],
    ['YAML', `user: u\npassword: two words ${S}\n`, 'application/yaml', false],
    ['a list of YAML', `- password: ${S}\n`, 'application/yaml', false],
    ['a block of YAML', `a:\n  password: |\n    one\n    ${S}\nb: 1\n`, 'application/yaml', false],
    ['a plain form with spaces', `user=u\r\npassword=two words ${S}\r\n`, 'text/plain', false],
    [
      'a head',
      `GET / HTTP/1.1\r\nAuthorization: Digest ${S}\r\nCookie: a=${S};\r\n b=${S}\r\n\r\n`,
      'message/http',
      false,
    ],
    ['GraphQL', `mutation { login(user: "u", password: "${S}") { id } }`, 'application/graphql', false],
    ['an element', `<a><Password>${S}</Password></a>`, 'text/xml', false],
    [
      'an element with a prefix',
      `<wsse:Password Type="t"><![CDATA[${S}]]></wsse:Password>`,
      'application/soap+xml',
      false,
    ],
    ['elements in each other', `<secret><secret>a</secret>${S}</secret>`, 'text/xml', false],
    ['an element without its end', `<password>${S}`, 'text/xml', true],
    ['an attribute', `<login user="u" password='${S}'/>`, 'text/xml', false],
    ['a named attribute', `<add key="password" value="${S}"/>`, 'text/xml', false],
    ['a named element', `<param name="password">${S}</param>`, 'text/xml', false],
    ['escaped markup', `<in>&lt;password&gt;${S}&lt;/password&gt;</in>`, 'text/xml', false],
    ['an input without quotes', `<input name=password value=${S}>`, 'text/html', false],
    ['an input in single quotes', `<input name='password' value='${S}'>`, 'text/html', false],
    ['a member of XML-RPC', `<name>token</name><value><string>${S}</string></value>`, 'text/xml', false],
    ['a property list', `<key>token</key>\n<string>${S}</string>`, 'text/xml', false],
    ['JSON Patch', `[{"op":"add","path":"/user/password","value":"${S}"}]`, 'application/json-patch+json', false],
    ['a list of YAML', `a:\n  password:\n  - x\n  - ${S}\n`, 'application/yaml', false],
    ['lines of TOML', `token = """\n${S}"""\n`, 'application/toml', false],
    ['an event in lines', `data: {"token":\ndata: "${S}"}\n\n`, 'text/event-stream', false],
    ['a no-break space', `password\u00a0=\u00a0${S}`, 'text/plain', false],
    ['a full-width sign', `password\uff1d${S}`, 'text/plain', false],
    ['an input', `<input name="password" type="hidden" value="${S}">`, 'text/html', false],
    ['parts', `--B\r\nContent-Disposition: form-data; name="password"\r\n\r\n${S}\r\n--B--\r\n`, 'text/plain', false],
    ['parts without an end', `--B\r\nContent-Disposition: form-data; name="password"\r\n\r\n${S}`, '', true],
    ['MessagePack', Buffer.from(`\x82\xa8password\xae${S}`, 'latin1'), 'application/msgpack', false],
    ['a protocol buffer', Buffer.from(`\x0a\x08password\x12\x0e${S}`), 'application/x-protobuf', false],
    ['UTF-16 without a mark', Buffer.from(`{"password":"${S}"}`, 'utf16le'), '', false],
    ['UTF-16 of the other order', Buffer.from(`{"password":"${S}"}`, 'utf16le').swap16(), 'text/plain', false],
    ['latin1', Buffer.from(`<p>\xe9</p><password>${S}</password>`, 'latin1'), 'text/xml', false],
  ])('%s', (_, text, type, truncated) => {
    expect(body(text, type, truncated).text).not.toContain(S);
  });

  test.each([
    ['UTF-7', 'text/plain; charset=utf-7'],
    ['UTF-16 behind spaces', 'text/plain;            charset = utf-16'],
    ['two charsets', 'text/plain; charset=utf-8; charset=utf-16'],
    ['an unknown one', 'text/plain; charset=ibm037'],
    ['two types', 'text/plain, application/json'],
    ['two boundaries', 'multipart/form-data; boundary=B; boundary=C'],
    ['a boundary in pieces', 'multipart/form-data; boundary*0=B; boundary*1=C'],
  ])('%s is withheld whatever it says', (_, type) => {
    expect(body('--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--B--\r\n', type)).toEqual({
      text: '',
      withheld: true,
    });
  });

  test('XML in an encoding that hides its names is withheld', () => {
    expect(body('<?xml version="1.0" encoding="UTF-7"?><a/>', 'text/xml').withheld).toBe(true);
    expect(body('<?xml version="1.0" encoding="ISO-8859-1"?><a/>', 'text/xml').withheld).toBe(false);
  });

  test.each([
    ['a token', 'see eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx', 'see [redacted]'],
    ['the head of a token', 'see eyJhbGciOiJIUzI1N', 'see [redacted]'],
    ['a card', 'pay with 4111 1111 11', 'pay with [redacted]'],
    ['a key id', 'id AKIAIOSFODNN7EX', 'id [redacted]'],
    ['a secret key', 'aws_secret_access_key = wJalrXUtnFEMI/K7MD', 'aws_secret_access_key = [redacted]'],
    ['a private key', 'key -----BEGIN RSA PRIV', 'key [redacted]'],
    ['credentials', 'at http://user:hunt', 'at http://[redacted]'],
    ['basic credentials', `as Basic dXNlcjpodW50`, 'as Basic [redacted]'],
    ['nothing secret', 'a picture of the year 2026', 'a picture of the year 2026'],
  ])('%s that the cut went through does not show its start', (_, text, shown) => {
    expect(body(text, 'text/plain', true).text).toBe(shown);
  });
});

describe('S09 JSON', () => {
  test.each([
    ['a name and its value', `{"name":"password","value":"${S}"}`, '{"name":"password","value":"[redacted]"}'],
    [
      'a value and its name',
      `[{"Value":{"a":["Bearer ${S}"]},"Key":"Token"}]`,
      '[{"Value":"[redacted]","Key":"Token"}]',
    ],
    [
      'a header and its value',
      `{"name":"Cookie","value":"a=${S}","n":1.0}`,
      '{"name":"Cookie","value":"[redacted]","n":1.0}',
    ],
    ['no secret name', '{"name":"colour","value":"red"}', '{"name":"colour","value":"red"}'],
    ['a list of names', `{"users[0].password":"${S}"}`, '{"users[0].password":"[redacted]"}'],
    ['XML in a string', `{"x":"<password>${S}</password>"}`, '{"x":"<password>[redacted]</password>"}'],
    ['a command in a string', `{"x":"run --password=${S} now"}`, '{"x":"run --password=[redacted] now"}'],
    ['an encoded URL in a string', `{"x":"/cb?u=token%3D${S}"}`, '{"x":"/cb?u=[redacted]"}'],
  ])('%s', (_, text, shown) => {
    expect(body(text, 'application/json').text).toBe(shown);
  });

  test('JSON in JSON in JSON, deeper than it is parsed', () => {
    let text = JSON.stringify({ password: S });
    for (let depth = 0; depth < 6; depth += 1) text = JSON.stringify({ inner: text });
    const shown = body(text, 'application/json');
    expect(shown.text).not.toContain(S);
    JSON.parse(shown.text);
  });
});

describe('S09 forms', () => {
  test.each([
    ['twice encoded', `next=%252Fcb%253Ftoken%253D${S}`, 'next=[redacted]'],
    ['a list', `token%5B%5D=${S}&a=1`, 'token%5B%5D=[redacted]&a=1'],
    ['a wrong escape', `a=%zz&pass%77ord=${S}`, 'a=%zz&pass%77ord=[redacted]'],
    ['empty pairs', `&&;=&password=${S}&`, '&&;=&password=[redacted]&'],
    ['brackets', `user(password)=${S}`, 'user(password)=[redacted]'],
  ])('%s', (_, text, shown) => {
    expect(body(text, FORM).text).toBe(shown);
  });
});

describe('S09 multipart', () => {
  const TYPE = 'multipart/form-data; boundary=B';
  const part = (head: string, content: string) => `--B\r\n${head}\r\n\r\n${content}\r\n`;
  const whole = (head: string, content = S) => `${part(head, content)}--B--\r\n`;

  test.each([
    ['many spaces before the name', whole('Content-Disposition: form-data;             name="password"')],
    ['spaces around its equals sign', whole('Content-Disposition: form-data; name   =   "password"')],
    ['no closing quote', whole('Content-Disposition: form-data; name="password')],
    [
      'two dispositions',
      whole('Content-Disposition: form-data; name="a"\r\nContent-Disposition: form-data; name="password"'),
    ],
    ['a comma', whole('Content-Disposition: form-data, name=password')],
    ['a name in pieces', whole('Content-Disposition: form-data; name*0="pass"; name*1="word"')],
    ['an encoded word', whole('Content-Disposition: form-data; name="=?utf-8?B?cGFzc3dvcmQ=?="')],
    ['a secret in the name of a file', whole(`Content-Disposition: form-data; name="f"; filename="token=${S}"`, 'x')],
    ['a secret in the name of a field', whole(`Content-Disposition: form-data; name="Bearer ${S}"`, '{"password":1}')],
    [
      'a delimiter behind a lone carriage return',
      whole(
        'Content-Disposition: form-data; name="a"',
        `x\r--B\rContent-Disposition: form-data; name="password"\r\r${S}`,
      ),
    ],
    ['a head of lone carriage returns', `--B\rContent-Disposition: form-data; name="password"\r\r${S}\r\n--B--\r\n`],
    [
      'a second body behind the end',
      `${whole('Content-Disposition: form-data; name="a"', 'x')}${whole('Content-Disposition: form-data; name="password"')}`,
    ],
    ['a secret before the first part', `password=${S}\r\n${whole('Content-Disposition: form-data; name="a"', 'x')}`],
    [
      'parts in a part',
      whole(
        'Content-Disposition: form-data; name="a"\r\nContent-Type: multipart/mixed; boundary=C',
        `--C\r\nContent-Disposition: attachment; name="password"\r\n\r\n${S}\r\n--C--`,
      ),
    ],
    ['a compressed part', whole('Content-Disposition: form-data; name="a"\r\nContent-Encoding: gzip')],
    [
      'two types of a part',
      whole(
        'Content-Disposition: form-data; name="a"\r\nContent-Type: image/png\r\nContent-Type: application/json',
        `{"password":"${S}"}`,
      ),
    ],
    [
      'JSON as a file',
      whole(
        'Content-Disposition: form-data; name="f"; filename="a.bin"\r\nContent-Type: application/octet-stream',
        `{"password":"${S}"}`,
      ),
    ],
  ])('%s', (_, text) => {
    const { value, paths } = redactor.body(Buffer.from(text), TYPE);
    expect(Buffer.from(value).toString() + paths.join()).not.toContain(S);
  });
});
