import { explainRequest } from '../../src/dispatch/explain.ts';
import { compileRoutes } from '../../src/dispatch/match.ts';
import type { ValueSource } from '../../src/dispatch/value-source.ts';
import type { RequestHead, RuleSettings } from '../../src/exchange.ts';
import { headOf, noValues, ruleOf, type SettingsParts, settingsOf, targetOf } from './fixtures.ts';

const secrets: ValueSource = { env: () => 'env-secret', file: () => 'file-secret' };

function explain(parts: SettingsParts, head: Partial<RequestHead> = {}, values = secrets) {
  return explainRequest(compileRoutes(settingsOf(parts), values), headOf(head));
}

test('tells the rule, the target, and what would be sent, rule before target', () => {
  const rule = ruleOf({
    name: 'qa',
    target: 'qa',
    match: { paths: ['/api/*'], headers: { environment: 'qa' } },
    headers: { set: { host1a: 'qa', 'x-by': 'rule' }, remove: ['x-internal'] },
    replacePrefix: '/v2',
  });
  const targets = [targetOf('prod'), targetOf('qa', { set: { 'X-By': 'target ${rule}' }, add: { 'x-id': '${id}' } })];
  const rawHeaders = ['Environment', 'qa', 'X-Internal', '1'];
  expect(explain({ rules: [rule], targets }, { uri: '/api/x?y', rawHeaders })).toEqual({
    rule: 'qa',
    target: 'qa',
    uri: '/v2/x?y',
    headers: ['Environment', 'qa', 'host1a', 'qa', 'X-By', 'target qa', 'x-id', '(id)'],
    why: ['rule qa (1) matches: it goes to qa'],
  });
  expect(rawHeaders).toEqual(['Environment', 'qa', 'X-Internal', '1']);
});

test('tells of every earlier rule what it wanted and what the request had', () => {
  const match: [string, Partial<RuleSettings['match']>][] = [
    ['l', { listeners: ['other'] }],
    ['m', { methods: ['POST'] }],
    ['h', { hosts: ['api.test'] }],
    ['p', { paths: ['/api/*'] }],
    ['f', { headers: { Environment: ['qa', 'dev'], 'x-a': { present: true } } }],
    ['q', { query: { v: '2' } }],
    ['all', {}],
    ['after', {}],
  ];
  const rules = match.map(([name, conditions]) => ruleOf({ name, match: conditions }));
  const head = { uri: '/x?v=1', rawHeaders: ['environment', 'prod\r\n', 'y', '1'] };
  expect(explain({ rules }, head).why).toEqual([
    'rule l (1) does not match: it wants listeners ["other"], the request came to "ambassador"',
    'rule m (2) does not match: it wants methods ["POST"], the method is GET',
    'rule h (3) does not match: it wants hosts ["api.test"], the host is "localhost:5000"',
    'rule p (4) does not match: it wants paths ["/api/*"], the request is for "/x?v=1"',
    'rule f (5) does not match: it wants headers {"Environment":["qa","dev"],"x-a":{"present":true}}, the request has ["environment: prod\\r\\n"]',
    'rule q (6) does not match: it wants query {"v":"2"}, the request is for "/x?v=1"',
    'rule all (7) matches: it goes to prod',
  ]);
  expect(explain({ rules }).why[4]).toMatch(/the request has none of them$/);
});

test('tells of the default and of a rejection', () => {
  expect(explain({})).toMatchObject({
    rule: 'default',
    target: 'prod',
    why: ['no rule matches: the default sends it to prod'],
  });
  expect(explain({ default: 'reject' }, { uri: '/a' })).toEqual({
    rule: null,
    target: null,
    uri: '/a',
    headers: [],
    why: ['no rule matches and the default is reject: the answer is 404'],
  });
});

test('shows no value of a file or of the environment', () => {
  const set = { authorization: 'Bearer ${file:/run/token}', 'x-region': '${env:REGION|eu}' };
  const explanation = explain({ targets: [targetOf('prod', { set })] });
  expect(explanation.headers).toEqual(['authorization', 'Bearer ***', 'x-region', '***']);
  expect(JSON.stringify(explanation)).not.toMatch(/secret/);
});

test('says what is not there on this machine, and goes on as if it were', () => {
  const set = { authorization: 'Bearer ${file:/run/token}', b: '${env:REGION}' };
  const explanation = explain({ targets: [targetOf('prod', { set })] }, {}, noValues);
  expect(explanation.headers).toEqual(['authorization', 'Bearer ***', 'b', '***']);
  expect(explanation.why.slice(1)).toEqual([
    'the file /run/token can not be read here: its value is shown as if it were there',
    'the environment variable REGION is not set here: its value is shown as if it were there',
  ]);
});

test('says why a request would be refused', () => {
  const rules = [ruleOf({ headers: { set: { 'x-q': '${query:q}' } } })];
  const explanation = explain({ rules }, { uri: '/?q=a%0d%0ab' });
  expect(explanation.headers).toEqual([]);
  expect(explanation.why[1]).toBe(
    'it would not be sent: header x-q: query q has a line break or another control character',
  );
});

test('says that a path leads out of that of its target', () => {
  const target = { ...targetOf('prod'), urls: [{ url: 'http://prod.test/base', weight: 1 }] };
  const why = (uri: string): string[] => explain({ targets: [target] }, { uri }).why;
  expect(why('/%2e%2e/admin')[1]).toBe(
    'it would not be sent: the path leads out of that of its target: the answer is 400',
  );
  expect(why('/a//b')).toHaveLength(1);
});
