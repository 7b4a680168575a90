import { compilePath, holdsPath, isPlainPath, pathEnd, replacePrefix } from '../../src/dispatch/path.ts';

function holds(pattern: string, uri: string): boolean {
  return isPlainPath(uri, pathEnd(uri)) && holdsPath(compilePath(pattern), uri, pathEnd(uri));
}

test.each([
  ['/api', '/api'],
  ['/api', '/api?x=/y'],
  ['/api/*', '/api'],
  ['/api/*', '/api?x'],
  ['/api/*', '/api/'],
  ['/api/*', '/api/x/y?z'],
  ['/*', '/'],
  ['/*', '/anything'],
  ['/', '/?q'],
  ['/a%2fb*', '/never'],
  ['/a;b', '/a;b?c=d;e'],
  ['/%zz', '/%zz'],
  ['/é', '/%C3%A9'],
  ['/a b/*', '/a%20b/c'],
  ['/a..b', '/a..b'],
  ['/...', '/...'],
  ['/.well-known/*', '/.well-known/x'],
  ['/..a', '/..a'],
  ['/a.', '/a.'],
])('the entry %s and the request for %s', (pattern, uri) => {
  expect(holds(pattern, uri)).toBe(!uri.includes('never'));
});

test.each([
  ['/api/*', '/apiary'],
  ['/api/*', '/API/x'],
  ['/api/*', '/ap'],
  ['/api/*', '/apix?/api/'],
  ['/api', '/api/'],
  ['/api/', '/api'],
  ['/a', '/%61'],
  ['/*', '*'],
  ['/*', 'api'],
  ['/*', ''],
  ['/*', '?x'],
])('the entry %s does not hold for %s', (pattern, uri) => {
  expect(holds(pattern, uri)).toBe(false);
});

test.each([
  '//a',
  '/a//b',
  '/a//',
  '//',
  '/.',
  '/..',
  '/a/.',
  '/a/..',
  '/a/./b',
  '/a/../b',
  '/..;/b',
  '/a/..;x=1/b',
  '/.;/a',
  '/a\\b',
  '/\\',
  '/%2e',
  '/%2E%2e/',
  '/a%2Fb',
  '/a%2fb',
  '/a%5Cb',
  '/a%5c',
  '/a%00',
  '/%00',
  '/a/..?x',
  '/.?x',
])('%s is read differently by different servers: it holds for no entry', (uri) => {
  expect(holds('/*', uri)).toBe(false);
  expect(holds(uri, uri)).toBe(false);
});

test.each([
  '/a%20b',
  '/a%2',
  '/a%',
  '/a%5',
  '/a%0',
  '/a%0a',
  '/a%25',
  '/a%2d',
  '/a%5d',
  '/a%6e',
  '/a?b=//c/../d\\%2e%00',
])('%s is one path for everyone', (uri) => {
  expect(holds('/*', uri)).toBe(true);
});

test.each([
  [['/api/*'], '/v2', '/api/x?y', '/v2/x?y'],
  [['/api/*'], '/v2', '/api', '/v2'],
  [['/api/*'], '/v2', '/api?x=/api', '/v2?x=/api'],
  [['/api/*'], '/v2', '/api/', '/v2/'],
  [['/api/*'], '/v2/', '/api/x', '/v2/x'],
  [['/api/*'], '/v2/', '/api', '/v2/'],
  [['/api/*'], '/', '/api/x', '/x'],
  [['/api/*'], '', '/api/x', '/x'],
  [['/api/*'], '', '/api', '/'],
  [['/api/*'], '', '/api?q', '/?q'],
  [['/api/*'], '/', '/api', '/'],
  [['/*'], '/v2', '/x?y', '/v2/x?y'],
  [['/*'], '/v2', '/', '/v2/'],
  [['/old'], '/new', '/old?x', '/new?x'],
  [['/a', '/api/*', '/api/x/*'], '/v2', '/api/x/y', '/v2/x/y'],
  [['/a', '/api/x/*', '/api/*'], '/v2', '/api/x/y', '/v2/y'],
  [[], '/v2', '/x?y', '/v2/x?y'],
  [[], '/v2', '//x', '/v2//x'],
  [['/api/*'], '/v2', '*', '*'],
  [['/api/*'], '/v2', '/api/a%20b;c?d=%zz', '/v2/a%20b;c?d=%zz'],
])('paths %j and replacePrefix %s turn %s into %s', (paths, replacement, uri, expected) => {
  expect(replacePrefix(uri, paths.map(compilePath), replacement)).toBe(expected);
});
