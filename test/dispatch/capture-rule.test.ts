import { compileCapture, renderAnswer } from '../../src/dispatch/capture-rule.ts';
import { PatchError } from '../../src/dispatch/patch.ts';
import type { Reason } from '../../src/exchange.ts';
import { contextOf, headOf } from './fixtures.ts';

const DEFAULT = [
  'connect',
  'dns',
  'tls',
  'timeout',
  'reset',
  'protocol',
  'truncated',
  'clientAbort',
  '502',
  '503',
  '504',
];

function wants(when: string[], reason: Reason, status: number | null = null, methods: string[] = []): boolean {
  return compileCapture({ when, methods, answer: 'relay' }).wants(reason, status, 'POST');
}

test.each<[string[], Reason, number | null]>([
  [DEFAULT, 'connect', null],
  [DEFAULT, 'clientAbort', null],
  [DEFAULT, 'status', 503],
  [DEFAULT, 'truncated', 200],
  [['5xx'], 'status', 500],
  [['5xx'], 'status', 599],
  [['4xx'], 'status', 404],
  [['302'], 'status', 302],
  [['all'], 'overload', null],
  [['all'], 'status', 400],
  [['all'], 'status', 999],
])('%j keeps %s %s', (when, reason, status) => {
  expect(wants(when, reason, status)).toBe(true);
});

test.each<[string[], Reason, number | null]>([
  [DEFAULT, 'overload', null],
  [DEFAULT, 'status', 500],
  [DEFAULT, 'status', 200],
  [DEFAULT, 'status', null],
  [['502'], 'connect', 502],
  [['5xx'], 'status', 499],
  [['5xx'], 'status', 600],
  [['4xx'], 'status', 399],
  [['all'], 'status', 200],
  [['all'], 'status', 399],
  [['none'], 'connect', null],
  [['none', 'all'], 'connect', null],
  [[], 'connect', null],
])('%j does not keep %s %s', (when, reason, status) => {
  expect(wants(when, reason, status)).toBe(false);
});

test('methods that are listed are the only ones', () => {
  expect(wants(['all'], 'connect', null, ['POST', 'PUT'])).toBe(true);
  expect(wants(['all'], 'connect', null, ['GET'])).toBe(false);
  const capture = compileCapture({ when: ['all'], methods: ['PUT'], answer: 'relay' });
  expect([capture.takesMethod('PUT'), capture.takesMethod('GET'), capture.isNone]).toEqual([true, false, false]);
});

test('none takes no method, so that no copy is made', () => {
  const capture = compileCapture({ when: ['none'], methods: [], answer: 'relay' });
  expect([capture.isNone, capture.takesMethod('GET')]).toEqual([true, false]);
});

test('the answer of a rule is rendered for one exchange, its body escaped for its type', () => {
  const answer = {
    status: 503,
    headers: { 'Content-Type': 'application/json', 'x-rule': '${rule}' },
    body: '{"error": "down", "timestamp": ${timestamp}, "request_id": "${id}", "who": "${header:x}"}',
  };
  const compiled = compileCapture({ when: ['all'], methods: [], answer }).answer;
  if (compiled === 'relay') throw new Error('the answer was lost');
  const rendered = renderAnswer(compiled, contextOf({ head: headOf({ rawHeaders: ['x', '"'] }) }));
  expect(rendered).toMatchObject({ status: 503, headers: ['Content-Type', 'application/json', 'x-rule', 'users'] });
  expect(JSON.parse(rendered.body)).toEqual({
    error: 'down',
    timestamp: 1697812345.678,
    request_id: '01997a4e-0000-7000-8000-000000000000',
    who: '"',
  });
});

test('without a content type the body stands as it is', () => {
  const answer = { status: 200, headers: {}, body: '<${header:x}>' };
  const compiled = compileCapture({ when: ['all'], methods: [], answer }).answer;
  if (compiled === 'relay') throw new Error('the answer was lost');
  expect(renderAnswer(compiled, contextOf({ head: headOf({ rawHeaders: ['x', '"&'] }) })).body).toBe('<"&>');
});

test('an answer with a header that can not be sent is refused when it is compiled', () => {
  const answer = { status: 200, headers: { 'x-a': 'a\nb' }, body: '' };
  expect(() => compileCapture({ when: ['all'], methods: [], answer })).toThrow(PatchError);
});
