import type { RequestHead } from '../../src/exchange.ts';
import { type ForwardingPolicy, requestHeaders, responseHeaders, trailerFields } from '../../src/forward/headers.ts';

const POLICY: ForwardingPolicy = {
  pseudonymOf: (listener) => `outrider-${listener === 'other' ? 'it' : 'me'}`,
  forwarded: 'none',
};

function headOf(rawHeaders: readonly string[], parts: Partial<RequestHead> = {}): RequestHead {
  return {
    listener: 'ambassador',
    method: 'GET',
    uri: '/',
    rawHeaders,
    authority: 'a.test:5000',
    scheme: 'http',
    httpVersion: '1.1',
    remoteAddress: '10.0.0.9',
    ...parts,
  };
}

/** Without the Via that is always there. */
function sent(rawHeaders: readonly string[], policy: Partial<ForwardingPolicy> = {}): string[] | null {
  const headers = requestHeaders(headOf(rawHeaders), { ...POLICY, ...policy });
  if (headers === null) return null;
  const at = headers.indexOf('Via');
  return [...headers.slice(0, at), ...headers.slice(at + 2)];
}

function pairsOf(flat: readonly string[] | null): [string, string][] {
  return (flat ?? []).flatMap((name, i, all) => (i % 2 === 0 ? [[name, all[i + 1] ?? '']] : []));
}

describe('to the target', () => {
  test.each([
    [
      'H01 two Connection lines, in any case',
      ['Connection', 'X-One, close', 'cOnNeCtIoN', 'x-TWO', 'x-one', '1', 'X-Two', '2'],
    ],
    ['H02 an empty first Connection line', ['Connection', '', 'Connection', 'X-One', 'X-One', '1']],
    [
      'H03 every hop-by-hop field',
      [
        'Connection',
        'close',
        'Proxy-Connection',
        'keep-alive',
        'Keep-Alive',
        'timeout=5',
        'TE',
        'gzip',
        'Trailer',
        'X-Sum',
        'Transfer-Encoding',
        'chunked',
        'Upgrade',
        'websocket',
        'Proxy-Authenticate',
        'Basic',
        'Proxy-Authorization',
        'Basic x',
        'HTTP2-Settings',
        'AAMA',
        'Expect',
        '100-continue',
      ],
    ],
    [
      'H18 Upgrade: h2c',
      ['Connection', 'Upgrade, HTTP2-Settings', 'Upgrade', 'h2c', 'HTTP2-Settings', 'AAMAAABkAAQAoAAA'],
    ],
    [
      'H16 what is named outrider- by anybody else',
      ['outrider-record', 'x', 'Outrider-Capture', 'y', 'OUTRIDER-anything', 'z'],
    ],
    ['Host, which the target decides', ['Host', 'a.test']],
  ])('%s: none of it goes on', (_, rawHeaders) => {
    expect(sent([...rawHeaders, 'X-Kept', 'yes'])).toEqual(['X-Kept', 'yes']);
  });

  test.each(['gzip', 'trailers;q=0.5', 'trailers', 'gzip,TRAILERS'])('H17 TE: %s is dropped', (value) => {
    expect(sent(['Connection', 'TE', 'TE', value])).toEqual([]);
  });

  test('H08 H09 names, values, order and duplicates stay as they were', () => {
    const rawHeaders = [
      'a',
      '1',
      'X_under-Score',
      'b',
      'A',
      '2',
      'x-LATIN',
      '\xe9\xff',
      'a',
      '',
      'Set-Cookie',
      'x=1',
      'Set-Cookie',
      'y=2',
    ];
    expect(sent(rawHeaders)).toEqual(rawHeaders);
  });

  test('H12 fields of the ends stay', () => {
    const rawHeaders = [
      'Authorization',
      'Bearer x',
      'Cookie',
      'a=b',
      'If-None-Match',
      '"e"',
      'Content-Length',
      '3',
      'Date',
      'now',
    ];
    expect(sent(rawHeaders)).toEqual(rawHeaders);
  });

  test('S12 names that objects have of their own are names', () => {
    const rawHeaders = ['__proto__', 'a', 'constructor', 'b', 'hasOwnProperty', 'c'];
    expect(sent(rawHeaders)).toEqual(rawHeaders);
  });
});

describe('Via', () => {
  test('H06 is added, after those that are there', () => {
    expect(requestHeaders(headOf([]), POLICY)).toEqual(['Via', '1.1 outrider-me']);
    const headers = requestHeaders(headOf(['via', '1.0 one', 'Via', '1.1 two'], { httpVersion: '1.0' }), POLICY);
    expect(headers).toEqual(['Via', '1.0 one, 1.1 two, 1.0 outrider-me']);
  });

  test('H06 with our own name in it is a loop, that of another process is none', () => {
    expect(sent(['Via', '1.1 front, 1.1 outrider-me'])).toBeNull();
    expect(sent(['Via', '1.1 outrider-other'])).toEqual([]);
  });

  test('H06 with the name of another listener is none: an application between the two passes it on', () => {
    const head = headOf(['Via', '1.1 outrider-it']);
    expect(requestHeaders(head, POLICY)).toEqual(['Via', '1.1 outrider-it, 1.1 outrider-me']);
    expect(requestHeaders({ ...head, listener: 'other' }, POLICY)).toBeNull();
  });
});

describe('X-Forwarded', () => {
  const FROM_CALLER = [
    'X-Forwarded-For',
    '1.2.3.4',
    'x-forwarded-for',
    '5.6.7.8',
    'X-Forwarded-Proto',
    'https',
    'X-Forwarded-Host',
    'evil',
  ];

  test('H16 append: the address is added, what a proxy before said of scheme and host stays', () => {
    expect(sent(FROM_CALLER, { forwarded: 'append' })).toEqual([
      'X-Forwarded-Proto',
      'https',
      'X-Forwarded-Host',
      'evil',
      'X-Forwarded-For',
      '1.2.3.4, 5.6.7.8, 10.0.0.9',
    ]);
  });

  test('H16 replace: only what this hop saw', () => {
    const expected = ['X-Forwarded-For', '10.0.0.9', 'X-Forwarded-Proto', 'http', 'X-Forwarded-Host', 'a.test:5000'];
    expect(sent(FROM_CALLER, { forwarded: 'replace' })).toEqual(expected);
    expect(sent([], { forwarded: 'append' })).toEqual(expected);
  });

  test('H16 none: nothing is added and nothing taken', () => {
    expect(sent(FROM_CALLER, { forwarded: 'none' })).toEqual(FROM_CALLER);
    expect(sent(['Forwarded', 'for=1.2.3.4'], { forwarded: 'none' })).toEqual(['Forwarded', 'for=1.2.3.4']);
  });

  test.each([
    ['10.0.0.9', 'for=10.0.0.9'],
    ['fd00::9', 'for="[fd00::9]"'],
  ])('H16 a Forwarded of the caller is continued by append, for %s, and removed by replace', (remoteAddress, node) => {
    const head = headOf(['Forwarded', 'for=1.2.3.4', 'FORWARDED', 'for=evil;by=x'], { remoteAddress });
    const fields = (forwarded: 'append' | 'replace') =>
      Object.fromEntries(pairsOf(requestHeaders(head, { ...POLICY, forwarded })));
    expect(fields('append')).toMatchObject({
      Forwarded: `for=1.2.3.4, for=evil;by=x, ${node};proto=http;host="a.test:5000"`,
      'X-Forwarded-For': remoteAddress,
    });
    expect(Object.keys(fields('replace'))).toEqual(['Via', 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host']);
  });

  test('H04 a caller can name its own away, not ours', () => {
    const headers = sent(['Connection', 'X-Forwarded-For, X-Forwarded-Proto', ...FROM_CALLER], { forwarded: 'append' });
    expect(headers).toEqual(['X-Forwarded-Host', 'evil', 'X-Forwarded-For', '10.0.0.9', 'X-Forwarded-Proto', 'http']);
  });

  test('a request without an authority gets no X-Forwarded-Host', () => {
    const head = headOf([], { authority: '' });
    expect(requestHeaders(head, { ...POLICY, forwarded: 'append' })).not.toContain('X-Forwarded-Host');
  });
});

describe('to the caller', () => {
  test('H01 H03 hop-by-hop fields go, those that Connection names too, and what only Outrider may say', () => {
    const rawHeaders = [
      'Connection',
      'X-Hop',
      'X-Hop',
      '1',
      'Keep-Alive',
      'timeout=5',
      'Transfer-Encoding',
      'chunked',
      'Upgrade',
      'h2',
      'Proxy-Authenticate',
      'Basic',
      'Trailer',
      'X-Sum',
      'outrider-record',
      'forged',
      'Server',
      'legacy',
    ];
    expect(responseHeaders(rawHeaders)).toEqual(['Server', 'legacy']);
  });

  test('H08 H12 all else stays: five Set-Cookie lines, WWW-Authenticate, Allow, ETag', () => {
    const cookies = [1, 2, 3, 4, 5].flatMap((n) => ['Set-Cookie', `c${n}=1`]);
    const rawHeaders = [
      'ETag',
      '"x"',
      ...cookies,
      'Content-Encoding',
      'gzip',
      'content-length',
      '5',
      'Via',
      '1.1 other',
      'WWW-Authenticate',
      'Basic',
      'Allow',
      'GET, HEAD',
      'Content-Range',
      'bytes 0-4/9',
    ];
    expect(responseHeaders(rawHeaders)).toEqual(rawHeaders);
  });

  test('F14 trailers that would frame, route or authenticate are dropped', () => {
    const forbidden = [
      'Host',
      'Content-Length',
      'Transfer-Encoding',
      'Authorization',
      'Connection',
      'Set-Cookie',
      'outrider-record',
      'Content-Type',
    ];
    const rawTrailers = forbidden.flatMap((name) => [name, 'x']);
    expect(trailerFields([...rawTrailers, 'X-Sum', '1', 'Server-Timing', 'a'])).toEqual([
      'X-Sum',
      '1',
      'Server-Timing',
      'a',
    ]);
  });
});
