import { load, loadProcess, loadRoutes, mistakesOf, plainRoutes } from './config-files.ts';

const rule = (more: string) => `rules:\n  - {name: a, target: qa, ${more}}\n`;
const target = (more: string) => `targets:\n  prod: {urls: [{url: "http://x:1"}], ${more}}\ndefault: prod\n`;
const routesMistakes = (text: string) =>
  mistakesOf(() => loadRoutes(text)).map((line) => line.replace(/^routes\.yaml:/, ''));
const processMistakes = (text: string) =>
  mistakesOf(() => loadProcess(text)).map((line) => line.replace(/^outrider\.yaml:/, ''));
const targetMistakes = (text: string) =>
  mistakesOf(() => load({ 'routes.yaml': target(text) })).map((line) => line.replace(/^routes\.yaml:\d+:\d+: /, ''));

describe('the process', () => {
  test.each([
    ['an unknown key', 'listners: []', '1:1: listners: there is no such key; did you mean "listeners"?'],
    [
      'an unknown key deep below',
      'kafka: {sasl: {user: x}}',
      '1:16: kafka.sasl.user: there is no such key; did you mean "username"?',
    ],
    ['a key like none', 'zzz: 1', /^1:1: zzz: there is no such key; allowed: apiVersion, listeners, /],
    ['a key in the wrong file', 'rules: []', '1:1: rules: this key belongs in routes.yaml, not in outrider.yaml'],
    [
      'a port of 70000',
      'listeners: [{name: a, address: "localhost:70000"}]',
      '1:32: listeners[0].address: found port 70000; allowed: 0 to 65535',
    ],
    [
      'an address without a port',
      'metrics: {address: localhost}',
      '1:20: metrics.address: found "localhost"; expected host:port, such as localhost:5000 or "*:5090"',
    ],
    ['a text for a number', 'limits: {inFlight: many}', '1:20: limits.inFlight: found "many"; expected a number'],
    [
      'a fraction for a whole number',
      'limits: {inFlight: 1.5}',
      '1:20: limits.inFlight: found 1.5; expected a whole number',
    ],
    ['a number below its least', 'limits: {inFlight: 0}', '1:20: limits.inFlight: found 0; at least 1'],
    ['a text for a boolean', 'spool: {enabled: yes}', '1:18: spool.enabled: found "yes"; expected true or false'],
    ['an empty value', 'spool:\nlog: {}', '1:1: spool: found nothing (an empty value); expected a mapping'],
    ['a list for a mapping', 'spool: []', '1:8: spool: found an empty list; expected a mapping'],
    [
      'a word that is not allowed',
      'kafka: {compression: gzp}',
      '1:22: kafka.compression: found "gzp"; allowed: none, gzip; did you mean "gzip"?',
    ],
    ['a longer form of a word', 'log: {level: warning}', /did you mean "warn"\?$/],
    [
      'a duration without a unit',
      'capture: {wait: 2}',
      '1:17: capture.wait: found 2; expected a duration such as 250ms, 2s, 5m, 1h or 7d, or 0',
    ],
    [
      'a timer that no timer can wait for',
      'limits: {headTimeout: 100d}',
      '1:23: limits.headTimeout: found "100d"; at most 2147483647ms',
    ],
    [
      'a size without a unit that is too small',
      'spool: {size: 5}',
      '1:15: spool.size: found 5; at least 1048576 bytes',
    ],
    [
      'a size in another unit',
      'capture: {memory: 8MB}',
      '1:19: capture.memory: found "8MB"; expected a size such as 64Ki, 1Mi or 256Mi, or 0',
    ],
    ['no listener', 'listeners: []', '1:12: listeners: at least one listener is needed'],
    [
      'a broker with a scheme',
      'kafka: {brokers: ["tcp://k:9092"]}',
      /^1:19: kafka\.brokers\[0\]: found "tcp:\/\/k:9092"; expected host:port/,
    ],
    ['a broker without a port', 'kafka: {brokers: [k]}', /^1:19: kafka\.brokers\[0\]: found "k"; expected host:port/],
    [
      'a key of Kafka that is none',
      'kafka: {key: "header:a b"}',
      '1:14: kafka.key: found "header:a b"; allowed: id, target, header:NAME',
    ],
    [
      'a certificate without its key',
      'listeners: [{name: a, address: "*:1", tls: {cert: /c}}]',
      '1:51: listeners[0].tls.cert: needs `key` beside it',
    ],
    [
      'a client authority without a certificate',
      'listeners: [{name: a, address: "*:1", tls: {clientCa: /c}}]',
      '1:55: listeners[0].tls.clientCa: needs `cert` beside it',
    ],
    [
      'a listener with an unknown target',
      'listeners: [{name: a, address: "*:1", target: pord}]',
      '1:47: listeners[0].target: no target "pord"; targets: prod, qa; did you mean "prod"?',
    ],
    [
      'two listeners of one name',
      'listeners: [{name: a, address: "*:1"}, {name: a, address: "*:2"}]',
      '1:47: listeners[1].name: the listener "a" is there twice: listeners[0] has the same name',
    ],
    [
      'two sockets on one port',
      'listeners: [{name: a, address: "localhost:5090"}]\nmetrics: {address: "*:5090"}',
      '2:20: metrics.address: port 5090 is already taken by listeners.0.address',
    ],
    [
      'an unknown format',
      'apiVersion: outrider.dev/v2',
      '1:13: apiVersion: found "outrider.dev/v2"; allowed: outrider.dev/v1; did you mean "outrider.dev/v1"?',
    ],
  ])('%s', (_, text, expected) => {
    expect(processMistakes(text)).toEqual([typeof expected === 'string' ? expected : expect.stringMatching(expected)]);
  });
});

describe('rules', () => {
  test.each([
    [
      'a target that is not there',
      'rules: [{name: a, target: pord}]',
      '3:27: rules[0].target: no target "pord"; targets: prod, qa; did you mean "prod"?',
    ],
    ['no target', 'rules: [{name: a}]', '3:9: rules[0].target: missing: it has no default'],
    ['no name', 'rules: [{target: qa}]', '3:9: rules[0].name: missing: it has no default'],
    [
      'a name with a space',
      'rules: [{name: a b, target: qa}]',
      /^3:16: rules\[0\]\.name: found "a b"; a rule has letters/,
    ],
    [
      'the name default',
      'rules: [{name: default, target: qa}]',
      /^3:16: rules\[0\]\.name: a rule can't be called "default"/,
    ],
    [
      'one name twice',
      'rules: [{name: a, target: qa}, {name: a, target: qa}]',
      '3:39: rules[1].name: the rule "a" is there twice: rules[0] has the same name',
    ],
    ['a key in the wrong file', 'spool: {}', '3:1: spool: this key belongs in outrider.yaml, not in routes.yaml'],
    [
      'a number where a header is matched',
      rule('match: {headers: {x-id: 2}}'),
      '4:51: rules[0].match.headers.x-id: found 2; a header or query value is text: quote it',
    ],
    [
      'a boolean where a query is matched',
      rule('match: {query: {debug: true}}'),
      '4:50: rules[0].match.query.debug: found true; a header or query value is text: quote it',
    ],
    [
      'a number in a list of values',
      rule('match: {query: {v: ["1", 2]}}'),
      '4:52: rules[0].match.query.v[1]: found 2; a header or query value is text: quote it',
    ],
    [
      'a boolean where a header is set',
      rule('request: {headers: {set: {dispatched: true}}}'),
      /rules\[0\]\.request\.headers\.set\.dispatched: found true; a header value is text: quote it$/,
    ],
    [
      'neither absent nor present',
      rule('match: {headers: {x: {}}}'),
      /rules\[0\]\.match\.headers\.x: expected \{absent: true\} or \{present: true\}$/,
    ],
    [
      'absent: false',
      rule('match: {headers: {x: {absent: false}}}'),
      /headers\.x\.absent: found false; allowed: true$/,
    ],
    [
      'a listener that is not there',
      rule('match: {listeners: [ambasador]}'),
      /no listener "ambasador"; listeners: ambassador; did you mean "ambassador"\?$/,
    ],
    [
      'a lower-case method',
      rule('match: {methods: [get]}'),
      /found "get"; methods are case-sensitive; did you mean "GET"\?$/,
    ],
    [
      'a host with a port',
      rule('match: {hosts: ["x:80"]}'),
      /found "x:80"; expected a host or \*\.example\.com, without a scheme and without a port$/,
    ],
    ['a path without its slash', rule('match: {paths: [api]}'), /found "api"; a path starts with \/$/],
    [
      'a star inside a path',
      rule('match: {paths: ["/a*"]}'),
      /found "\/a\*"; \* is only allowed at the end, after a slash: \/api\/\*$/,
    ],
    ['a star before the end', rule('match: {paths: ["/*/a"]}'), /\* is only allowed at the end/],
    ['a path with a query', rule('match: {paths: ["/a?b"]}'), /a path has no \? and no #/],
    ['a path with raw UTF-8', rule('match: {paths: ["/é"]}'), /write it as it is sent: percent-encoded$/],
    [
      'a prefix with nothing to replace',
      rule('request: {path: {replacePrefix: /v2}}'),
      /replacePrefix: replaces the part of the path that an entry of `match\.paths` names: there is none$/,
    ],
    [
      'a header name with a space',
      rule('request: {headers: {set: {"a b": c}}}'),
      /headers\.set\["a b"\]: found "a b"; the name of a header has no spaces/,
    ],
    [
      'one header twice',
      rule('request: {headers: {set: {Host1a: x, host1a: y}}}'),
      /headers\.set\.host1a: the same header as "Host1a": names have no case$/,
    ],
    [
      'a line break in a header',
      rule('request: {headers: {set: {a: "b\\r\\nc"}}}'),
      /the character U\+000D can't be in a header value$/,
    ],
    [
      'a friendly answer with status 99',
      rule('capture: {answer: {status: 99}}'),
      /capture\.answer\.status: found 99; at least 200$/,
    ],
    [
      'a friendly answer that is a word',
      rule('capture: {answer: friendly}'),
      /capture\.answer: found "friendly"; expected relay, or a mapping with status, headers and body$/,
    ],
    ['an unknown reason', rule('capture: {when: [tmeout]}'), /found "tmeout"; allowed: .*; did you mean "timeout"\?$/],
    ['none beside others', rule('capture: {when: [none, "502"]}'), /capture\.when: "none" stands alone$/],
    [
      'a test of an unknown rule',
      'tests: [{request: GET /, expect: {rule: b}}]',
      '3:41: tests[0].expect.rule: no rule "b"; rules: default',
    ],
    [
      'a test of an unknown target',
      'tests: [{request: GET /, expect: {target: qq}}]',
      '3:43: tests[0].expect.target: no target "qq"; targets: prod, qa, reject; did you mean "qa"?',
    ],
    [
      'a test without a method',
      'tests: [{request: /x, expect: {target: qa}}]',
      /found "\/x"; expected a method and a path, such as GET \/api\/x$/,
    ],
    ['a test that expects nothing', 'tests: [{request: GET /, expect: {}}]', /nothing is expected/],
  ])('%s', (_, text, expected) => {
    expect(routesMistakes(text)).toEqual([typeof expected === 'string' ? expected : expect.stringMatching(expected)]);
  });

  test.each(['//', '/a//b', '/a/../b', '/./a', '/a/..', '/%2e%2e/a', '/a%2Fb', '/a%5cb', '/a\\b', '/%00', '/a/../*'])(
    'the path %s can never match and is refused',
    (path) => {
      expect(routesMistakes(rule(`match: {paths: ['${path}']}`))).toEqual([
        expect.stringContaining('it can never match'),
      ]);
    },
  );

  test.each(['/', '/*', '/api', '/api/*', '/a.b/..c', '/a%20b', '/a;b=c'])('the path %s is accepted', (path) => {
    expect(loadRoutes(rule(`match: {paths: ['${path}']}`)).settings.routes.rules[0]?.match.paths).toEqual([path]);
  });

  test.each([
    'Content-Length',
    'transfer-encoding',
    'connection',
    'keep-alive',
    'te',
    'trailer',
    'upgrade',
    'proxy-authorization',
    'expect',
  ])('no patch may touch %s', (name) => {
    for (const patch of [`set: {${name}: x}`, `add: {${name}: x}`, `remove: [${name}]`]) {
      for (const side of ['request', 'response']) {
        expect(routesMistakes(rule(`${side}: {headers: {${patch}}}`))).toEqual([
          expect.stringContaining('Outrider writes it itself'),
        ]);
      }
    }
  });

  test("outrider-* headers are Outrider's own, and Host can only be set in a request", () => {
    expect(routesMistakes(rule('response: {headers: {set: {outrider-record: x}}}'))).toHaveLength(1);
    expect(routesMistakes(rule('capture: {answer: {headers: {outrider-record: x}}}'))).toHaveLength(1);
    expect(routesMistakes(rule('request: {headers: {add: {host: x}}}'))).toHaveLength(1);
    expect(routesMistakes(rule('response: {headers: {set: {host: x}}}'))).toHaveLength(1);
    expect(routesMistakes(rule('request: {headers: {remove: [Host]}}'))).toHaveLength(1);
    expect(loadRoutes(rule('request: {headers: {set: {Host: x}}}')).settings.routes.rules).toHaveLength(1);
  });
});

describe('targets', () => {
  test.each([
    ['ftp://x', 'expected http://host:port or https://host:port'],
    ['x:80', 'expected http://host:port or https://host:port'],
    ['http://', 'expected http://host:port or https://host:port'],
    ['http://x:70000', 'is the port between 1 and 65535?'],
    ['http://x:0', 'allowed ports: 1 to 65535'],
    ['http://x/a?b=c', 'only a path may follow the host'],
    ['http://x/#a', 'only a path may follow the host'],
    ['http://a b/', 'no spaces'],
    ['http://x\\y', 'no backslashes'],
  ])('the URL %s is refused: %s', (url, words) => {
    expect(mistakesOf(() => load({ 'routes.yaml': `targets: {a: '${url}'}\ndefault: a` }))).toEqual([
      expect.stringContaining(words),
    ]);
  });

  test('a password in a URL is refused, and not repeated', () => {
    const [line = ''] = mistakesOf(() => load({ 'routes.yaml': 'targets: {a: "http://user:hunter2@x"}\ndefault: a' }));
    expect(line).toContain('no user and password here');
    expect(line).not.toContain('hunter2');
  });

  test.each([
    ['a typo in a key', 'blance: x', 'targets.prod.blance: there is no such key; did you mean "balance"?'],
    [
      'a wrong word',
      'balance: roundrobin',
      'targets.prod.balance: found "roundrobin"; allowed: roundRobin, leastRequest; did you mean "roundRobin"?',
    ],
    ['no tries', 'retry: {attempts: 0}', 'targets.prod.retry.attempts: found 0; at least 1'],
    [
      'a wrong reason to retry',
      'retry: {when: [clientAbort]}',
      expect.stringContaining('found "clientAbort"; allowed: connect'),
    ],
    [
      'a host header that is a URL',
      'hostHeader: "http://x"',
      expect.stringContaining('expected target, preserve or a host'),
    ],
    ['an unknown TLS version', 'tls: {minVersion: "1.2"}', expect.stringContaining('allowed: TLSv1, TLSv1.1')],
    ['a client key without its certificate', 'tls: {key: /k}', 'targets.prod.tls.key: needs `cert` beside it'],
  ])('%s', (_, text, expected) => {
    expect(targetMistakes(text)).toEqual([expected]);
  });

  test('the name reject is taken', () => {
    expect(mistakesOf(() => load({ 'routes.yaml': 'targets: {reject: "http://x"}\ndefault: reject' }))).toEqual([
      expect.stringMatching(/^routes\.yaml:1:11: targets\.reject: a target can't be called "reject"/),
    ]);
  });

  test('no URL', () => {
    expect(mistakesOf(() => load({ 'routes.yaml': 'targets: {a: {urls: []}}\ndefault: a' }))).toEqual([
      'routes.yaml:1:21: targets.a.urls: at least one URL is needed',
    ]);
  });

  test('a default that is missing, and one that is not there', () => {
    expect(mistakesOf(() => load({ 'routes.yaml': 'targets: {a: "http://x"}' }))).toEqual([
      'routes.yaml: default: missing: name the target for what no rule matches, or write reject (404)',
    ]);
    expect(mistakesOf(() => load({ 'routes.yaml': 'targets: {a: "http://x"}\ndefault: b' }))).toEqual([
      'routes.yaml:2:10: default: no target "b"; targets: a, reject; did you mean "a"?',
    ]);
  });
});

describe('tolerate', () => {
  const mistakes = (listener: string): readonly string[] =>
    mistakesOf(() => load({ 'outrider.yaml': `apiVersion: outrider.dev/v1\nlisteners: [{name: a, ${listener}}]` }));

  test('is for loopback and plain HTTP only', () => {
    expect(mistakes('address: "*:1", tolerate: [bare-lf]').join()).toContain(
      'is for a loopback listener only, and this is *:1',
    );
    expect(mistakes('address: "localhost:1", tolerate: [bare-lf], tls: {cert: /c, key: /k}').join()).toContain(
      'is for a listener without `tls` only',
    );
    expect(mistakes('address: "localhost:1", tolerate: [bare-cr]').join()).toContain('bare-cr');
  });
});

describe('not in this version', () => {
  test.each([
    'egress: {allow: [10.0.0.0/8]}',
    'events: {enabled: true}',
    'publicUrl: http://x',
    'spool: {acceptLoss: true}',
    'kafka: {sealKeyFile: /k}',
    'delivery: {by: worker}',
    'delivery: {schedule: [1s]}',
    'delivery: {jitter: 0.3}',
    'capture: {acceptWait: 6s}',
    'egress: {allow: [10.0.0.0/8]}',
    'trace: create',
    'faults: allowed',
  ])('%s', (text) => {
    expect(processMistakes(text)).toEqual([expect.stringContaining('not in this version')]);
  });

  test.each([
    'rateLimits: {shared: {rate: 1/s}}',
    rule('rateLimit: 10/s'),
    rule('record: all'),
    rule('record: sample 1%'),
    rule('fault: {status: 503}'),
    rule('delivery: {mode: queued}'),
    rule('delivery: {redeliver: safe}'),
    rule('delivery: {callback: {query: callback}}'),
    rule('delivery: {dedupe: {by: content}}'),
  ])('%s', (text) => {
    expect(routesMistakes(text)).toEqual([expect.stringContaining('not in this version')]);
  });

  test.each([
    'auth: {oauth2: {tokenUrl: "http://x", clientId: a, clientSecretFile: /s}}',
    'rateLimit: 50/s',
    'proxy: "http://p:3128"',
  ])('%s', (text) => {
    expect(targetMistakes(text)).toEqual([expect.stringContaining('not in this version')]);
  });

  test('such a key is still validated', () => {
    expect(processMistakes('delivery: {by: sidcar}')).toEqual([expect.stringContaining('did you mean "sidecar"?')]);
  });

  test('such a key at its default, in any spelling, is accepted', () => {
    expect(loadProcess('delivery: {maxAge: 1d, schedule: [1s, 5s, 30s, 300s, 30m, 2h, 6h]}').warnings).toEqual([]);
  });
});

describe('lists of secrets', () => {
  const redactOf = (text: string) => loadProcess(text).settings.process.capture.redact;
  const { headers, fields, patterns } = redactOf('{}');

  test('add to the default ones: who names one must not show all the others', () => {
    const redact = redactOf('capture: {redact: {headers: [x-acme], fields: [pin], patterns: [jwt]}}');
    expect(redact).toMatchObject({ headers: [...headers, 'x-acme'], fields: [...fields, 'pin'], patterns });
    expect(headers).toContain('cookie');
  });

  test('-NAME takes one off, in any case, and one that takes nothing off is a mistake', () => {
    const redact = redactOf('capture: {redact: {headers: [-Cookie], fields: [-token, pin], patterns: [-jwt]}}');
    expect(redact.headers).toEqual(headers.filter((name) => name !== 'cookie'));
    expect(redact.fields).toEqual([...fields.filter((name) => name !== 'token'), 'pin']);
    expect(redact.patterns).toEqual(patterns.filter((name) => name !== 'jwt'));
    expect(processMistakes('capture: {redact: {headers: [-cooki]}}')).toEqual([
      expect.stringMatching(/redact\.headers\[0\]: found "-cooki"; -NAME takes off one of authorization/),
    ]);
    expect(processMistakes('capture: {redact: {fields: [-x]}}')).toHaveLength(1);
  });
});

describe('all at once', () => {
  test('mistakes of both files, of the definition and of what it refers to, in the order of the files', () => {
    const lines = mistakesOf(() =>
      load({
        'outrider.yaml': 'log: {level: x}\nspol: {}\n',
        'routes.yaml': `${plainRoutes}rules:\n  - {name: a, target: zz, match: {paths: [x]}}\n  - {name: a, target: qa, bogus: 1}\n`,
      }),
    );
    expect(lines.map((line) => line.split(': ', 2).join(': '))).toEqual([
      'outrider.yaml:1:14: log.level',
      'outrider.yaml:2:1: spol',
      'routes.yaml:4:23: rules[0].target',
      'routes.yaml:4:43: rules[0].match.paths[0]',
      'routes.yaml:5:12: rules[1].name',
      'routes.yaml:5:27: rules[1].bogus',
    ]);
  });
});

describe('warnings', () => {
  test('certificates that are not verified, old TLS, a loop, an open admin API', () => {
    const { warnings } = load({
      'outrider.yaml': 'admin: {address: "*:5091"}',
      'routes.yaml':
        'targets: {a: {urls: [{url: "http://localhost:5000"}], tls: {verify: false, minVersion: TLSv1}}}\ndefault: a',
    });
    expect(warnings).toEqual([
      expect.stringContaining('tls.verify is false'),
      expect.stringContaining('TLSv1 has known attacks'),
      expect.stringContaining('looks like a listener of this Outrider'),
      expect.stringContaining('anyone may use it'),
    ]);
  });
});

test.each([
  'a: "http://localhost:5091"',
  'a: "http://127.0.0.1:5091/api"',
  'a: "http://127.1:5091"',
  'a: "http://[::1]:5091"',
  'a: "http://0.0.0.0:5091"',
  'a: {urls: [{url: "http://b"}, {url: "http://localhost:5091"}]}',
])('a target that is the own admin API, which asks callers of this machine for nothing, is a mistake: %s', (target) => {
  const routes = `targets: {${target}}\ndefault: a\n`;
  expect(mistakesOf(() => load({ 'routes.yaml': routes }))).toEqual([
    expect.stringMatching(/^routes\.yaml:1:\d+: targets\.a.*: this is the admin API of Outrider itself/),
  ]);
  const elsewhere = { 'outrider.yaml': 'admin: {address: "localhost:5999"}\n', 'routes.yaml': routes };
  expect(load(elsewhere).settings.routes.default).toBe('a');
  const closed = { 'outrider.yaml': 'admin: {tokens: {read: /t}}\n', 'routes.yaml': routes };
  expect(load(closed).settings.routes.default).toBe('a');
});
