import {
  type GuardLimits,
  type InspectedHead,
  inspectHead,
  inspectTrailers,
  isRefusal,
} from '../../src/accept/guard.ts';

const LIMITS: GuardLimits = { requestLine: 16_384, headerCount: 100, headerBytes: 32_768, body: 0 };

interface Parts {
  readonly method?: string;
  readonly target?: string;
  readonly version?: string;
  /** Beside `Host: a.test`. */
  readonly headers?: readonly string[];
  readonly host?: readonly string[];
  readonly limits?: Partial<GuardLimits>;
}

function inspect({ method = 'GET', target = '/', version = '1.1', headers = [], host, limits }: Parts) {
  const rawHeaders = [...(host ?? ['Host', 'a.test']), ...headers];
  return inspectHead({ method, target, httpVersion: version, rawHeaders }, { ...LIMITS, ...limits });
}

function statusOf(parts: Parts): number {
  const inspected = inspect(parts);
  return isRefusal(inspected) ? inspected.status : 200;
}

function passed(parts: Parts): InspectedHead {
  const inspected = inspect(parts);
  if (isRefusal(inspected)) throw new Error(`${inspected.status} ${inspected.detail}`);
  return inspected;
}

const CL = (value: string): string[] => ['Content-Length', value];
const TE = (value: string): string[] => ['Transfer-Encoding', value];

describe('framing', () => {
  test.each<readonly [string, readonly string[], number]>([
    ['F01 length, then chunked', [...CL('36'), ...TE('chunked')], 400],
    ['F01 chunked, then length', [...TE('chunked'), ...CL('36')], 400],
    ['F01 length beside a coding that is not spoken', [...CL('36'), ...TE('identity,chunked')], 400],
    ['F02 two different lengths', [...CL('3'), ...CL('4')], 400],
    ['F02 the same length twice', [...CL('3'), ...CL('3')], 400],
    ['F02 two lengths in different case', ['content-length', '3', 'CONTENT-LENGTH', '3'], 400],
    ['F02 a list of lengths', CL('3, 3'), 400],
    ...['+5', '-48', '0x10', '1Z', '5 5', '', '9223372036854775808', '5\t', '5\0', '５', '1e3', '5.0'].map(
      (value) => [`F03 a length of ${JSON.stringify(value)}`, CL(value), 400] as const,
    ),
    ...['chunked, chunked', 'xchunked', 'chunked, gzip', 'gzip', 'carrier-pigeon', 'identity', ''].map(
      (value) => [`F04 a coding of "${value}"`, TE(value), 501] as const,
    ),
    ['F04 two Transfer-Encoding lines', [...TE('chunked'), ...TE('chunked')], 400],
    ...[',chunked', 'gzip, chunked', 'identity, chunked', 'chunked ', '\tchunked', 'chunked;q=1'].map(
      (value) => [`F05 a coding of ${JSON.stringify(value)}`, TE(value), 501] as const,
    ),
  ])('%s is refused', (_, headers, status) => {
    expect(statusOf({ method: 'POST', headers })).toBe(status);
  });

  test.each([
    ['F03 a length with a leading zero', CL('010'), { framing: 'length', contentLength: 10 }],
    ['a length of nothing', CL('0'), { framing: 'length', contentLength: 0 }],
    ['chunked in any case', TE('Chunked'), { framing: 'chunked', contentLength: 0 }],
    ['no framing at all', [], { framing: 'none', contentLength: 0 }],
  ])('%s passes', (_, headers, expected) => {
    expect(passed({ method: 'POST', headers })).toMatchObject(expected);
  });

  test('F15 HTTP/1.0 has no Transfer-Encoding', () => {
    expect(statusOf({ version: '1.0', headers: TE('chunked') })).toBe(400);
  });

  test('TRACE with content is refused', () => {
    expect(statusOf({ method: 'TRACE', headers: CL('1') })).toBe(400);
    expect(statusOf({ method: 'TRACE', headers: TE('chunked') })).toBe(400);
    expect(statusOf({ method: 'TRACE', headers: CL('0') })).toBe(200);
    expect(statusOf({ method: 'TRACE' })).toBe(200);
  });

  test('a body beyond the limit is refused by its announced length', () => {
    const limits = { body: 10 };
    expect(statusOf({ method: 'POST', headers: CL('11'), limits })).toBe(413);
    expect(statusOf({ method: 'POST', headers: CL('10'), limits })).toBe(200);
    expect(statusOf({ method: 'POST', headers: CL('99999999999') })).toBe(200);
  });
});

describe('versions', () => {
  test.each(['0.9', '2.0', '1.32', '1.2', '3.0', ''])('F16 F17 HTTP/%s is refused', (version) => {
    expect(statusOf({ version })).toBe(505);
  });

  test.each(['ANNOUNCE', 'SETUP', 'TEARDOWN'])('F17 %s is a method of RTSP, which is not spoken', (method) => {
    expect(statusOf({ method })).toBe(505);
  });

  test('HTTP/1.0 needs no Host', () => {
    expect(passed({ version: '1.0', host: [] }).authority).toBe('');
  });
});

describe('Host', () => {
  test.each([
    ['none', []],
    ['two', ['Host', 'a.test', 'host', 'a.test']],
    ['a path', ['Host', 'a/b']],
    ['a space', ['Host', 'a b']],
    ['a broken IPv6 address', ['Host', "[::1]' UNION"]],
    ['a port without a host', ['Host', ':80']],
    ['a port that is no number', ['Host', 'a:b']],
    ['user information', ['Host', 'me@a.test']],
    ['a list', ['Host', 'a.test\tb.test']],
    ['bytes beyond ASCII', ['Host', 'ü.test']],
    ['a percent sign that encodes nothing', ['Host', 'a%zz.test']],
    ['a port beyond all ports', ['Host', 'a.test:65536']],
    ['an address of no family', ['Host', '[1.2.3]']],
    ['too many colons', ['Host', '[:::]']],
    ['a zone', ['Host', '[fe80::1%25lo]']],
    ['an encoded NUL', ['Host', 'a%00.test']],
    ['an encoded line end', ['Host', 'a.test%0d%0aX:%20y']],
    ['an encoded delimiter', ['Host', 'user%40a.test']],
    ['an encoded colon', ['Host', 'a.test%3a80']],
    ['encoded bytes that are no UTF-8', ['Host', 'a%ff.test:80']],
  ])('F18 refuses %s', (_, host) => {
    expect(statusOf({ host })).toBe(400);
  });

  test.each([
    'a.test',
    'a.test:8080',
    'a.test:',
    '127.0.0.1',
    '[::1]:80',
    '[::ffff:1.2.3.4]',
    'a.test:65535',
    'a.test:080',
    '%C3%BC.test:80',
    'a_b.svc',
    '',
  ])('accepts "%s"', (host) => {
    expect(passed({ host: ['Host', host] }).authority).toBe(host);
  });
});

describe('Connection', () => {
  test.each([
    'Content-Length',
    'Host',
    'Transfer-Encoding',
    'close, Authorization',
    'keep-alive ,COOKIE',
    'via',
    'content-type',
    'Age',
    'Expect',
    'Cache-Control, close',
    'outrider-record',
  ])('F23 H04 can not name %s', (value) => {
    expect(statusOf({ headers: ['Connection', value] })).toBe(400);
  });

  test.each(['close', 'keep-alive', 'X-Fake-Token, X-Other', '', ',,', 'TE', 'X-Forwarded-For'])(
    'H01 H02 may be "%s"',
    (value) => {
      expect(statusOf({ headers: ['Connection', value] })).toBe(200);
    },
  );

  test('is looked at line by line', () => {
    expect(statusOf({ headers: ['Connection', 'close', 'connection', 'cookie'] })).toBe(400);
  });
});

describe('Expect', () => {
  test.each(['x 100-continue', '100-continue, x', '101-continue', '', '200-ok'])('F24 refuses "%s"', (value) => {
    expect(statusOf({ method: 'POST', headers: ['Expect', value] })).toBe(417);
  });

  test('F24 100-continue is heard from HTTP/1.1 and ignored from HTTP/1.0', () => {
    const headers = ['Expect', '100-Continue', ...CL('3')];
    expect(passed({ method: 'POST', headers }).expectContinue).toBe(true);
    expect(passed({ method: 'POST', headers, version: '1.0' }).expectContinue).toBe(false);
  });
});

describe('request targets', () => {
  test.each([
    ['GET', '*'],
    ['OPTIONS', '*/test'],
    ['GET', 'admin'],
    ['GET', 'host:80'],
    ['PUT', 's://]ufd/:'],
    ['GET', 'ftp://a.test/'],
    ['GET', '/a b'],
    ['GET', '/a\x01'],
    ['GET', '/\x7f'],
    ['GET', '/caf\xe9'],
    ['GET', '/a#frag'],
    ['GET', 'http://'],
    ['GET', 'http:///x'],
    ['GET', 'http://me:secret@a.test/'],
    ['GET', 'http://a.test/#frag'],
    ['GET', 'http://a b/'],
    ['GET', ''],
  ])('F25 %s %j is refused', (method, target) => {
    expect(statusOf({ method, target })).toBe(400);
  });

  test.each(['/', 'host', 'host:443', 'a.test:80'])('F25 S04 CONNECT %s is not offered', (target) => {
    expect(statusOf({ method: 'CONNECT', target })).toBe(501);
  });

  test('F25 OPTIONS * asks about the server', () => {
    expect(passed({ method: 'OPTIONS', target: '*' }).uri).toBe('*');
  });

  test('F25 OPTIONS of an absolute target without a path asks about the server, too', () => {
    expect(passed({ method: 'OPTIONS', target: 'http://b.test:81' })).toMatchObject({
      uri: '*',
      authority: 'b.test:81',
    });
    expect(passed({ method: 'OPTIONS', target: 'http://b.test/' }).uri).toBe('/');
    expect(passed({ method: 'OPTIONS', target: 'http://b.test?x' }).uri).toBe('/?x');
  });

  test.each(['//a', '/a/../b', '/%2e%2e/', '/a%2Fb', '/a;b?c=d;e', '/?', '/%zz', '/a?b?c', '/a\\b', '/"<>^`{|}'])(
    'H10 %s stays as it is',
    (target) => {
      expect(passed({ target }).uri).toBe(target);
    },
  );

  test.each([
    ['http://b.test/x', 'b.test', '/x'],
    ['HTTP://b.test:81/x?y', 'b.test:81', '/x?y'],
    ['http://b.test', 'b.test', '/'],
    ['http://b.test?q', 'b.test', '/?q'],
    ['https://[::1]:443//x', '[::1]:443', '//x'],
  ])('H11 %s is for %s and becomes %s, whatever Host says', (target, authority, uri) => {
    expect(passed({ target })).toMatchObject({ authority, uri });
  });
});

describe('trailers', () => {
  test.each(['Host', 'CONTENT-LENGTH', 'Transfer-Encoding', 'Authorization', 'connection', 'Cookie'])(
    'F14 %s is refused behind the body',
    (name) => {
      expect(inspectTrailers(['X-Sum', '1', name, 'x'])).toMatchObject({ status: 400, kind: 'framing' });
    },
  );

  test('F14 others pass, to be dropped', () => {
    expect(inspectTrailers(['Vary', '*', 'Content-Type', 'text/plain'])).toBeNull();
    expect(inspectTrailers([])).toBeNull();
  });
});

describe('sizes', () => {
  test('L03 a request line of 8,000 bytes passes, one beyond the limit is 414', () => {
    expect(statusOf({ target: `/${'a'.repeat(8000)}` })).toBe(200);
    const limits = { requestLine: 50 };
    // "GET " + target + " HTTP/1.1" is 13 bytes more than the target.
    expect(statusOf({ target: `/${'a'.repeat(36)}`, limits })).toBe(200);
    expect(statusOf({ target: `/${'a'.repeat(37)}`, limits })).toBe(414);
  });

  test('F29 L02 100 fields pass, 101 are refused and never cut', () => {
    const fields = (n: number): string[] => Array.from({ length: n }, (_, i) => [`x-${i}`, 'v']).flat();
    expect(statusOf({ headers: fields(99) })).toBe(200);
    expect(statusOf({ headers: fields(100) })).toBe(431);
    expect(statusOf({ headers: fields(10_000) })).toBe(431);
  });

  test('L01 the bytes of all fields are counted, to the byte', () => {
    // "Host: a.test" and "X: …" with their line ends.
    const headers = (bytes: number): string[] => ['X', 'v'.repeat(bytes - 14 - 5)];
    const limits = { headerBytes: 1000 };
    expect(statusOf({ headers: headers(1000), limits })).toBe(200);
    expect(statusOf({ headers: headers(1001), limits })).toBe(431);
  });
});
