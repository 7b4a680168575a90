import { load, mistakesOf } from './config-files.ts';

/** A template without the linter taking it for JavaScript's. */
const ref = (inside: string): string => `$\{${inside}}`;

const TOKEN = `request: {headers: {set: {authorization: 'Bearer ${ref('file:/var/run/secrets/outrider/t')}'}}}`;
const routes = (target: string, rules = '[]', fallback = 'prod') =>
  `targets: {prod: {urls: [{url: "http://a"}], ${target}}, plain: "http://b"}\nrules: ${rules}\ndefault: ${fallback}\n`;
const listeners = (more = '', address = '*:5000') =>
  `listeners: [{name: a, address: "${address}"${more === '' ? '' : `, ${more}`}}]`;
const check = (process: string, text: string): string[] =>
  mistakesOf(() => load({ 'outrider.yaml': process, 'routes.yaml': text }));
const accept = (process: string, text: string): unknown =>
  load({ 'outrider.yaml': process, 'routes.yaml': text }).settings.process.listeners[0]?.auth;

test('a listener that others reach, in front of a target with credentials, must say who may use it', () => {
  expect(check(listeners(), routes(TOKEN))).toEqual([
    'outrider.yaml:1:32: listeners[0].address: *:5000 is open to others, who would use the credentials of target prod ' +
      '(authorization): set `auth`, or write `auth: none` if that is meant',
  ]);
});

test.each([
  'request: {headers: {set: {cookie: "a=1"}}}',
  'request: {headers: {add: {X-Api-Key: k}}}',
  'request: {headers: {set: {x-auth-token: k}}}',
  'request: {headers: {set: {x-vault-token: k}}}',
  'request: {headers: {set: {PRIVATE-TOKEN: k}}}',
  'request: {headers: {set: {x-functions-key: k}}}',
  'request: {headers: {set: {x-goog-api-key: k}}}',
  `request: {headers: {set: {x-anything: '${ref('file:/var/run/secrets/outrider/t')}'}}}`,
  'tls: {cert: /c.pem, key: /k.pem}',
])('credentials are: %s', (target) => {
  expect(check(listeners(), routes(target))).toEqual([expect.stringContaining('auth: none')]);
});

test.each([
  [
    'a rule',
    routes('balance: roundRobin', '[{name: r, target: plain, request: {headers: {set: {cookie: x}}}}]', 'plain'),
  ],
  ['the target of a rule', routes(TOKEN, '[{name: r, target: prod}]', 'reject')],
  ['a rule of this listener', routes(TOKEN, '[{name: r, target: prod, match: {listeners: [a]}}]', 'reject')],
])('they may come by %s', (_, text) => {
  expect(check(listeners(), text)).toEqual([expect.stringContaining('auth: none')]);
});

test('they may come by the target of the listener', () => {
  expect(check(listeners('target: prod'), routes(TOKEN, '[]', 'reject'))).toHaveLength(1);
});

test('every such listener is named', () => {
  const text =
    'listeners: [{name: a, address: "10.0.0.1:1"}, {name: b, address: "0.0.0.0:2"}, {name: c, address: "[::]:3"}, {name: d, address: "host:4"}]';
  expect(check(text, routes(TOKEN)).map((line) => /listeners\[\d\]/.exec(line)?.[0])).toEqual(
    [0, 1, 2, 3].map((index) => `listeners[${index}]`),
  );
});

test.each([
  ['it listens on loopback', listeners('', 'localhost:5000'), routes(TOKEN)],
  ['it says none', listeners('auth: none'), routes(TOKEN)],
  ['it asks for a token', listeners('auth: {bearer: {file: /t}}'), routes(TOKEN)],
  ['it is for some addresses', listeners('auth: {cidrs: [10.0.0.0/8]}'), routes(TOKEN)],
  ['it asks for a certificate', listeners('tls: {cert: /c, key: /k, clientCa: /a}'), routes(TOKEN)],
  ['no target has any', listeners(), routes('request: {headers: {set: {x-env: qa}}}')],
  [
    'they are the caller’s own',
    listeners(),
    routes(`request: {headers: {set: {authorization: 'Bearer ${ref('header:x-auth')}'}}}`),
  ],
  ['its own target has none', listeners('target: plain'), routes(TOKEN)],
  [
    'rules of others lead there',
    `listeners: [{name: a, address: "*:1"}, {name: b, address: "localhost:2"}]`,
    routes(TOKEN, '[{name: r, target: prod, match: {listeners: [b]}}]', 'plain'),
  ],
])('nothing is asked where %s', (_, process, text) => {
  expect(() => load({ 'outrider.yaml': process, 'routes.yaml': text })).not.toThrow();
});

test('what a reload adds to the routes is seen too: both files are one configuration', () => {
  expect(accept(listeners(), routes('balance: roundRobin'))).toEqual({ kind: 'none' });
  expect(check(listeners(), routes(TOKEN))).toHaveLength(1);
});

test('auth is read in each of its forms', () => {
  const plain = routes('balance: roundRobin');
  expect(accept(listeners('auth: {bearer: {file: /t}}'), plain)).toEqual({ kind: 'bearer', file: '/t' });
  expect(accept(listeners('auth: {basic: {file: /u}}'), plain)).toEqual({ kind: 'basic', file: '/u' });
  expect(accept(listeners('auth: {cidrs: [10.0.0.0/8, "fd00::/8", 127.0.0.1]}'), plain)).toEqual({
    kind: 'cidrs',
    cidrs: ['10.0.0.0/8', 'fd00::/8', '127.0.0.1'],
  });
});

test.each([
  ['{}', 'expected none, or exactly one of bearer, basic, cidrs'],
  ['yes', 'expected none, or exactly one of bearer, basic, cidrs'],
  ['{bearer: {file: /t}, cidrs: [10.0.0.0/8]}', 'listeners[0].auth'],
  ['{bearer: {file: ""}}', 'the path of a file is needed'],
  ['{bearer: {}}', 'missing: it has no default'],
  ['{cidrs: []}', 'an empty list lets nobody in'],
  ['{cidrs: [10.0.0.1/8]}', 'its first address is 10.0.0.0: write 10.0.0.0/8'],
  ['{cidrs: ["fd00::1/8"]}', 'its first address is fd00::: write fd00::/8'],
  ['{cidrs: [10.0.0.0/33]}', 'expected a range such as 10.0.0.0/8'],
  ['{cidrs: [010.0.0.0/8]}', 'expected a range'],
  ['{cidrs: [10.0/8]}', 'expected a range'],
  ['{cidrs: ["::ffff:10.0.0.0/104"]}', 'expected a range'],
  ['{cidrs: [example.com]}', 'expected a range'],
  ['{cidrs: ["1.2.3.4.5"]}', 'expected a range'],
])('auth: %s is refused', (auth, message) => {
  expect(check(listeners(`auth: ${auth}`), routes('balance: roundRobin'))).toEqual([expect.stringContaining(message)]);
});

test.each(['bearer', 'basic'])('templates never read the file of %s', (kind) => {
  const file = '/var/run/secrets/outrider/callers';
  const text = routes(`request: {headers: {set: {x-a: '${ref(`file:${file}`)}'}}}`);
  expect(check(listeners(`auth: {${kind}: {file: ${file}}}`), text)).toEqual([
    expect.stringContaining(`templates never read this file: it is listeners.auth.${kind}.file`),
  ]);
});
