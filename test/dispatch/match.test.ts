import { compileRoutes, type Routes } from '../../src/dispatch/match.ts';
import type { RequestHead, RuleSettings } from '../../src/exchange.ts';
import { headOf, noValues, ruleOf, type SettingsParts, settingsOf, targetOf } from './fixtures.ts';

type Match = Partial<RuleSettings['match']>;

function routesOf(parts: SettingsParts): Routes {
  return compileRoutes(settingsOf(parts), noValues);
}

function holds(match: Match, head: Partial<RequestHead>): boolean {
  const routes = routesOf({ rules: [ruleOf({ name: 'it', match })], default: 'reject' });
  return routes.match(headOf(head)) !== null;
}

describe('each kind of condition', () => {
  test.each<[Match, Partial<RequestHead>]>([
    [{}, {}],
    [{ listeners: ['a', 'ambassador'] }, {}],
    [{ methods: ['POST', 'GET'] }, {}],
    [{ hosts: ['API.test'] }, { authority: 'api.TEST:8080' }],
    [{ hosts: ['x', '*.test'] }, { authority: 'api.test' }],
    [{ paths: ['/x', '/api/*'] }, { uri: '/api/y' }],
    [{ headers: { environment: 'qa' } }, { rawHeaders: ['ENVIRONMENT', 'qa'] }],
    [{ headers: { Environment: ['dev', 'qa'] } }, { rawHeaders: ['environment', 'qa'] }],
    [{ headers: { environment: 'qa' } }, { rawHeaders: ['environment', 'qa', 'Environment', 'qa'] }],
    [{ headers: { environment: ['dev', 'qa'] } }, { rawHeaders: ['environment', 'qa', 'Environment', 'dev'] }],
    [{ headers: { x: 'a*' } }, { rawHeaders: ['x', 'ab', 'x', 'ac'] }],
    [{ headers: { x: ['b', 'a*'] } }, { rawHeaders: ['x', 'b', 'x', 'ac'] }],
    [{ headers: { x: { absent: true } } }, { rawHeaders: ['y', '1'] }],
    [{ headers: { x: { present: true } } }, { rawHeaders: ['X', ''] }],
    [{ headers: { x: '' } }, { rawHeaders: ['x', ''] }],
    [{ headers: { x: '*' } }, { rawHeaders: ['x', ''] }],
    [{ headers: { x: 'é' } }, { rawHeaders: ['x', '\xc3\xa9'] }],
    [{ headers: { host: 'b.test' } }, { rawHeaders: ['Host', 'a.test'], authority: 'b.test' }],
    [{ headers: { Host: 'b.test' } }, { rawHeaders: [], authority: 'b.test' }],
    [{ headers: { host: { absent: true } } }, { rawHeaders: [], authority: '' }],
    [{ query: { version: '2' } }, { uri: '/?version=2' }],
    [{ query: { version: '2' } }, { uri: '/?VERSION=2' }],
    [{ query: { version: '2' } }, { uri: '/?version=%32&x=%zz' }],
    [{ query: { q: 'a b' } }, { uri: '/?q=a+b&q=a%20b' }],
    [{ query: { q: 'é' } }, { uri: '/?q=%C3%A9' }],
    [{ query: { q: { present: true } } }, { uri: '/?q=%zz' }],
    [{ query: { q: { present: true } } }, { uri: '/?q' }],
    [{ query: { q: { absent: true } } }, { uri: '/?p=q' }],
    [{ query: { q: { absent: true } } }, { uri: '*', method: 'OPTIONS' }],
    [{ methods: ['OPTIONS'] }, { uri: '*', method: 'OPTIONS' }],
  ])('%j holds for %j', (match, head) => {
    expect(holds(match, head)).toBe(true);
  });

  test.each<[Match, Partial<RequestHead>]>([
    [{ listeners: ['other'] }, {}],
    [{ methods: ['POST'] }, {}],
    [{ methods: ['GET'] }, { method: 'get' }],
    [{ hosts: ['api.test'] }, { authority: '' }],
    [{ hosts: ['a.test'] }, { authority: 'b.test', rawHeaders: ['Host', 'a.test'] }],
    [{ paths: ['/api/*'] }, { uri: '/apiary' }],
    [{ paths: ['/*'] }, { uri: '/a/../b' }],
    [{ paths: ['/*'] }, { uri: '*' }],
    [{ headers: { environment: 'qa' } }, {}],
    [{ headers: { environment: 'qa' } }, { rawHeaders: ['environment', 'QA'] }],
    [{ headers: { environment: 'qa' } }, { rawHeaders: ['environment', 'qa', 'environment', 'dev'] }],
    [{ headers: { environment: 'qa' } }, { rawHeaders: ['environment', 'dev', 'environment', 'qa'] }],
    [{ headers: { environment: 'qa' } }, { rawHeaders: ['environment', 'qa, qa'] }],
    [{ headers: { environment: 'qa' } }, { rawHeaders: ['qa', 'environment'] }],
    [{ headers: { x: 'a*' } }, { rawHeaders: ['x', 'ab', 'x', 'ba'] }],
    [{ headers: { x: [] } }, { rawHeaders: ['x', ''] }],
    [{ headers: { x: { absent: true } } }, { rawHeaders: ['X', ''] }],
    [{ headers: { x: { present: true } } }, { rawHeaders: ['y', 'x'] }],
    [{ headers: { x: '*' } }, {}],
    [{ headers: { x: '1', y: '2' } }, { rawHeaders: ['x', '1'] }],
    [{ headers: { host: 'a.test' } }, { rawHeaders: ['Host', 'a.test'], authority: 'b.test' }],
    [{ query: { version: '2' } }, { uri: '/?version=2&version=3' }],
    [{ query: { version: '2' } }, { uri: '/?version=2&Version=3' }],
    [{ query: { version: '2' } }, { uri: '/?version=2&version=%zz' }],
    [{ query: { version: '2' } }, { uri: '/version=2' }],
    [{ query: { version: '*' } }, { uri: '/?version=%zz' }],
    [{ query: { q: { absent: true } } }, { uri: '/?q=%zz' }],
    [{ query: { q: 'a+b' } }, { uri: '/?q=a+b' }],
    [{ methods: ['GET'], paths: ['/a'], headers: { x: '1' } }, { uri: '/a' }],
    [
      { methods: ['GET'], paths: ['/a'], headers: { x: '1' } },
      { uri: '/b', rawHeaders: ['x', '1'] },
    ],
  ])('%j does not hold for %j', (match, head) => {
    expect(holds(match, head)).toBe(false);
  });

  test('names of prototypes are names like others', () => {
    for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'valueOf']) {
      const named = Object.fromEntries([[name, 'x']]);
      expect(holds({ headers: named }, { rawHeaders: [name, 'x'] })).toBe(true);
      expect(holds({ headers: named }, { rawHeaders: ['y', 'x'] })).toBe(false);
      expect(holds({ query: named }, { uri: `/?${name}=x` })).toBe(true);
      expect(holds({ query: named }, { uri: '/?y=x' })).toBe(false);
      expect(holds({ headers: { y: name } }, { rawHeaders: ['y', name] })).toBe(true);
      expect(holds({ headers: { y: 'z' } }, { rawHeaders: ['y', name] })).toBe(false);
      expect(holds({ headers: { [name.slice(1)]: { absent: true } } }, { rawHeaders: [name, name] })).toBe(true);
    }
    expect(Object.hasOwn(Object.prototype, 'x')).toBe(false);
  });
});

describe('the first rule that matches', () => {
  const qa = (name: string, match: Match = {}): RuleSettings => ruleOf({ name, target: 'qa', match });

  test('wins, wherever the index has it', () => {
    const rules = [
      qa('post', { methods: ['POST'] }),
      qa('b', { headers: { b: '1' } }),
      qa('a', { headers: { a: '1' } }),
      qa('any'),
      qa('c', { headers: { c: '1' } }),
    ];
    const routes = routesOf({ rules });
    const name = (...rawHeaders: string[]): string | undefined => routes.match(headOf({ rawHeaders }))?.name;
    expect(name('a', '1', 'b', '1')).toBe('b');
    expect(name('b', '1', 'a', '1')).toBe('b');
    expect(name('a', '1', 'c', '1')).toBe('a');
    expect(name('c', '1')).toBe('any');
    expect(routes.match(headOf({ method: 'POST', rawHeaders: ['b', '1'] }))?.name).toBe('post');
  });

  test('what one request had is not there for the next', () => {
    const routes = routesOf({ rules: [qa('x', { headers: { x: '1' }, query: { q: '1' } })], default: 'reject' });
    const full = headOf({ uri: '/?q=1', rawHeaders: ['x', '1'] });
    expect(routes.match(full)?.name).toBe('x');
    expect(routes.match(headOf({ uri: '/?q=1' }))).toBeNull();
    expect(routes.match(headOf({ rawHeaders: ['x', '1'] }))).toBeNull();
    expect(routes.match(headOf({ uri: '/?q=1', rawHeaders: ['x', '1', 'x', '2'] }))).toBeNull();
    expect(routes.match(full)?.name).toBe('x');
  });

  test('the thousandth request is tested as often as the first', () => {
    const routes = routesOf({ rules: [qa('x', { headers: { x: '1' }, methods: ['PUT'] })] });
    for (let i = 0; i < 1000; i++) {
      routes.match(headOf({ rawHeaders: ['x', '1'] }));
      expect(routes.tested).toBe(1);
    }
  });

  test('twenty thousand spellings of names change nothing', () => {
    const routes = routesOf({ rules: [qa('x', { headers: { abcdefghijklmnop: '1' } })], default: 'reject' });
    const spell = (i: number): string =>
      [...'abcdefghijklmnop'].map((letter, bit) => ((i >> bit) & 1 ? letter.toUpperCase() : letter)).join('');
    for (let i = 0; i < 20_000; i++) {
      expect(routes.match(headOf({ rawHeaders: [spell(i), '1'] }))?.name).toBe('x');
      expect(routes.match(headOf({ rawHeaders: [spell(i).replace(/a/i, 'z'), '1'] }))).toBeNull();
    }
  });
});

describe('where no rule matches', () => {
  test('the default rule is the answer, without a place among the rules', () => {
    const rule = routesOf({ default: 'dev', rules: [ruleOf({ match: { methods: ['PUT'] } })] }).match(headOf());
    expect(rule).toMatchObject({ name: 'default', index: -1, targetName: 'dev', target: { name: 'dev' } });
  });

  test('reject is null', () => {
    expect(routesOf({ default: 'reject' }).match(headOf())).toBeNull();
  });

  test('the target of a listener is the default for what comes in there', () => {
    const routes = routesOf({ default: 'reject', listeners: { ambassador: '', fixed: 'qa', other: 'dev' } });
    expect(routes.match(headOf({ listener: 'fixed' }))).toMatchObject({ name: 'default', index: -1, targetName: 'qa' });
    expect(routes.match(headOf({ listener: 'other' }))?.targetName).toBe('dev');
    expect(routes.match(headOf())).toBeNull();
    const both = routesOf({ default: 'prod', listeners: { ambassador: '', fixed: 'qa' } });
    expect(both.match(headOf())?.targetName).toBe('prod');
    expect(both.match(headOf({ listener: 'fixed' }))?.targetName).toBe('qa');
  });

  test('a rule comes before the target of a listener', () => {
    const routes = routesOf({ listeners: { fixed: 'qa' }, rules: [ruleOf({ name: 'all', target: 'dev' })] });
    expect(routes.match(headOf({ listener: 'fixed' }))?.name).toBe('all');
  });
});

describe('a compiled rule', () => {
  test('has its timeouts over those of its target', () => {
    const rules = [ruleOf({ timeouts: { response: 10_000, idle: 0 } })];
    expect(routesOf({ rules }).match(headOf())?.timeouts).toEqual({
      connect: 2000,
      response: 10_000,
      idle: 0,
      total: 0,
    });
  });

  test('rewrites what its paths named', () => {
    const rule = routesOf({ rules: [ruleOf({ match: { paths: ['/api/*'] }, replacePrefix: '/v2' })] }).rules[0];
    expect(rule?.rewriteUri('/api/x?y')).toBe('/v2/x?y');
    expect(routesOf({}).match(headOf())?.rewriteUri('//a/../b?c')).toBe('//a/../b?c');
  });

  test('has the patches of the rule, the answer and the target apart', () => {
    const rules = [ruleOf({ headers: { set: { a: '1' } }, responseHeaders: { remove: ['server'] } })];
    const rule = routesOf({ rules, targets: [targetOf('prod', { set: { b: '2' } })] }).match(headOf());
    expect(rule?.request.set.map(({ name }) => name)).toEqual(['a']);
    expect(rule?.target.request.set.map(({ name }) => name)).toEqual(['b']);
    expect(rule?.response.removed).toEqual(['server']);
  });

  test('a target is found by its name, an unknown one is an error that names it', () => {
    const routes = routesOf({});
    expect(routes.target('qa').settings.urls[0]?.url).toBe('http://qa.test');
    expect(() => routes.target('constructor')).toThrow('there is no target "constructor"');
    expect(() => routesOf({ rules: [ruleOf({ target: 'qa1' })] })).toThrow('there is no target "qa1"');
  });
});

describe('ten thousand rules', () => {
  const many = (match: (i: number) => Match): RuleSettings[] =>
    Array.from({ length: 10_000 }, (_, i) => ruleOf({ name: `r${i}`, match: match(i) }));

  test('on one header cost what one does', () => {
    const routes = routesOf({ rules: many((i) => ({ headers: { tenant: `t${i}` } })) });
    for (const i of [0, 5000, 9999]) {
      expect(routes.match(headOf({ rawHeaders: ['Tenant', `t${i}`] }))?.name).toBe(`r${i}`);
      expect(routes.tested).toBe(1);
    }
    expect(routes.match(headOf({ rawHeaders: ['tenant', 'none'] }))?.name).toBe('default');
    expect(routes.tested).toBe(0);
    expect(routes.match(headOf())?.name).toBe('default');
    expect(routes.tested).toBe(0);
  });

  test('that share one value are found by their other', () => {
    const routes = routesOf({ rules: many((i) => ({ headers: { env: 'qa', tenant: `t${i}`, zone: 'a' } })) });
    expect(routes.match(headOf({ rawHeaders: ['env', 'qa', 'tenant', 't7777', 'zone', 'a'] }))?.name).toBe('r7777');
    expect(routes.tested).toBe(1);
  });

  test('on ten thousand headers, with lists of values, cost what one does', () => {
    const routes = routesOf({ rules: many((i) => ({ headers: { [`x-${i}`]: [`a${i}`, `b${i}`] } })) });
    expect(routes.match(headOf({ rawHeaders: ['X-123', 'b123', 'x-9999', 'a9999'] }))?.name).toBe('r123');
    expect(routes.tested).toBeLessThanOrEqual(2);
  });

  test('beside a few that no header finds cost those few', () => {
    const rules = [
      ruleOf({ name: 'first', match: { paths: ['/first'] } }),
      ...many((i) => ({ headers: { tenant: `t${i}` } })),
      ruleOf({ name: 'last', match: { headers: { tenant: 't*' } } }),
    ];
    const routes = routesOf({ rules });
    expect(routes.match(headOf({ rawHeaders: ['tenant', 't9000'] }))?.name).toBe('r9000');
    expect(routes.tested).toBe(2);
    expect(routes.match(headOf({ rawHeaders: ['tenant', 't10001'] }))?.name).toBe('last');
    expect(routes.tested).toBe(2);
  });
});
