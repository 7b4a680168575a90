import { globMatches } from '../../../src/runtime/config/template-files.ts';
import { load, mistakesOf } from './config-files.ts';

/** A template without the linter taking it for JavaScript's. */
const ref = (inside: string): string => `$\{${inside}}`;

const routesWith = (value: string) => `targets: {a: "http://x"}
rules:
  - name: r
    target: a
    request: {headers: {set: {authorization: '${value}'}}}
default: a
`;

const mistakes = (value: string, process = 'log: {}') =>
  mistakesOf(() => load({ 'outrider.yaml': process, 'routes.yaml': routesWith(value) }));
const accepts = (value: string, process = 'log: {}') =>
  load({ 'outrider.yaml': process, 'routes.yaml': routesWith(value) }).settings.routes.rules[0]?.request.headers.set;

test('a template that can not be read is a mistake with its place', () => {
  expect(mistakes(ref('nope'))).toEqual([
    expect.stringMatching(
      /^routes\.yaml:5:46: rules\[0\]\.request\.headers\.set\.authorization: found .* no such reference "nope"/,
    ),
  ]);
});

test('by default files of /var/run/secrets/outrider may be read, one level deep', () => {
  expect(accepts(ref('file:/var/run/secrets/outrider/token'))).toEqual({
    authorization: ref('file:/var/run/secrets/outrider/token'),
  });
  expect(accepts(ref('file:/run/secrets/outrider/token'))).toBeDefined();
  expect(mistakes(ref('file:/var/run/secrets/outrider/deep/token'))).toHaveLength(1);
});

test('a file outside is refused, and the message says what is allowed', () => {
  expect(mistakes(ref('file:/etc/passwd'))).toEqual([
    expect.stringContaining('outrider.yaml allows templates to read /var/run/secrets/outrider/* (templates.files)'),
  ]);
});

test.each(['/var/run/secrets/outrider/../x', '/var/run/secrets/outrider/./../../../../etc/passwd'])(
  'dot segments do not lead out: %s',
  (path) => {
    expect(mistakes(ref(`file:${path}`))).toHaveLength(1);
  },
);

test.each([
  ['the key of the spool', 'spool: {keyFile: /s/key}', '/s/key', 'spool.keyFile'],
  [
    "Kafka's password",
    'kafka: {sasl: {mechanism: plain, username: u, passwordFile: /s/pw}}',
    '/s/pw',
    'kafka.sasl.passwordFile',
  ],
  ["Kafka's private key", 'kafka: {tls: {cert: /s/c, key: /s/k}}', '/s/k', 'kafka.tls.key'],
  ['an admin token', 'admin: {tokens: {read: /s/r}}', '/s/r', 'admin.tokens.read'],
  [
    "a listener's private key",
    'listeners: [{name: a, address: "localhost:1", tls: {cert: /s/c, key: /s/k}}]',
    '/s/k',
    'listeners.tls.key',
  ],
  ['what is in the spool', 'spool: {path: /s}', '/s/key', 'the spool'],
])('%s is never read, even where the folder is allowed', (_, process, path, words) => {
  const text = `${process}\ntemplates: {files: ["/s/*"]}`;
  expect(mistakes(ref(`file:${path}`), text)).toEqual([expect.stringContaining(`templates never read`)]);
  expect(mistakes(ref(`file:${path}`), text)[0]).toContain(words);
  expect(mistakes(ref(`file:/s/./${path.slice(3)}`), text)).toHaveLength(1);
});

test('dot segments do not hide a secret from its name', () => {
  const text = 'spool: {keyFile: /s/key}\ntemplates: {files: ["/s/*/*/*"]}';
  expect(mistakes(ref('file:/s/x/../key'), text)).toEqual([expect.stringContaining('it is spool.keyFile')]);
});

test.each([
  '/var/run/secrets/kubernetes.io/serviceaccount/token',
  '/run/secrets/kubernetes.io/serviceaccount/token',
  '/var/run/secrets/eks.amazonaws.com/serviceaccount/token',
])("the pod's own token %s is never read", (path) => {
  const text = `templates: {files: ["${path}", "/run/secrets/kubernetes.io/serviceaccount/*"]}`;
  expect(mistakes(ref(`file:${path}`), text)).toEqual([
    expect.stringContaining("templates never read the pod's own tokens"),
  ]);
});

test('an environment variable is read only where it is listed', () => {
  expect(mistakes(ref('env:SECRET'))).toEqual([expect.stringContaining('these variables: none (templates.env)')]);
  expect(accepts(ref('env:REGION'), 'templates: {env: [REGION]}')).toBeDefined();
});

test('every place of a template is checked', () => {
  const bad = `'${ref('file:/etc/passwd')}'`;
  const lines = mistakesOf(() =>
    load({
      'routes.yaml': `targets: {a: {urls: [{url: "http://x"}], request: {headers: {set: {a: ${bad}}, add: {b: ${bad}}}}}}
rules:
  - name: r
    target: a
    request: {headers: {set: {a: ${bad}}, add: {b: ${bad}}}}
    response: {headers: {set: {a: ${bad}}, add: {b: ${bad}}}}
    capture: {answer: {headers: {a: ${bad}}, body: ${bad}}}
default: a
`,
    }),
  );
  expect(lines).toHaveLength(8);
});

test('a template in an unreadable place of the document is no crash', () => {
  expect(mistakesOf(() => load({ 'routes.yaml': 'targets: [a]\nrules: {a: b}\ndefault: 5\ntests: x\n' }))).toHaveLength(
    4,
  );
});

test.each([
  ['/a/*', '/a/b', true],
  ['/a/*', '/a/b/c', false],
  ['/a/*', '/a', false],
  ['/a/*.pem', '/a/x.pem', true],
  ['/a/*.pem', '/a/.pem', true],
  ['/a/x*y*z', '/a/xyz', true],
  ['/a/x*y*z', '/a/xzy', false],
  ['/a/x*x', '/a/x', false],
  ['/a/b', '/a/b', true],
])('the glob %s against %s is %p', (glob, path, expected) => {
  expect(globMatches(glob, path)).toBe(expected);
});
