import type { RequestHead } from '../../exchange.ts';
import type { RouteTest } from '../../settings.ts';
import { EXIT_FAILURE } from '../errors.ts';
import type { CliContext } from './context.ts';
import { readSettings } from './read-settings.ts';
import { headFromWords } from './request-head.ts';
import { explainer, type SentRequest } from './sent-request.ts';
import { formatTable } from './table.ts';
import { UsageError } from './usage-error.ts';

export interface TestResult {
  readonly request: string;
  readonly passed: boolean;
  readonly rule: string | null;
  readonly target: string | null;
  /** What was expected and what was found, one sentence each; empty when it passed. */
  readonly differences: readonly string[];
  readonly why: readonly string[];
}

/**
 * Runs the `tests` of routes.yaml; nothing is sent.
 *
 * @returns 1 when one fails
 * @throws ConfigError with every mistake of the configuration
 */
export function testRoutes(path: string | undefined, json: boolean, context: CliContext): number {
  const settings = readSettings(path, context);
  const explain = explainer(settings, context.env);
  const listener = settings.process.listeners[0]?.name ?? '';
  const results = settings.routes.tests.map((test) => runTest(test, explain, listener));
  const failed = results.filter(({ passed }) => !passed).length;
  if (json) context.out(JSON.stringify({ results, failed }, null, 2));
  else for (const line of report(results, failed, settings.source, context)) context.out(line);
  return failed === 0 ? 0 : EXIT_FAILURE;
}

/** One test. @throws UsageError when its request is none */
export function runTest(test: RouteTest, explain: (head: RequestHead) => SentRequest, listener: string): TestResult {
  const [, method = '', url = ''] = /^(\S+)\s+(\S+)$/.exec(test.request.trim()) ?? [];
  if (url === '') throw new UsageError(`tests: ${JSON.stringify(test.request)} is no request; write GET /path`);
  const fields = Object.entries(test.headers).map(([name, value]) => `${name}: ${value}`);
  const found = explain(headFromWords({ method, url, fields, listener }));
  const differences = compare(test.expect, found);
  const { rule, target, why } = found;
  return { request: test.request, passed: differences.length === 0, rule, target, differences, why };
}

function compare(expected: RouteTest['expect'], found: SentRequest): string[] {
  const differences: string[] = [];
  const check = (what: string, wanted: string | undefined, got: string): void => {
    if (wanted !== undefined && wanted !== got) differences.push(`expected ${what} ${wanted}, found ${got || 'none'}`);
  };
  check('target', expected.target, found.target ?? 'reject');
  // The default decides as well when it rejects.
  check('rule', expected.rule, found.rule ?? 'default');
  // A path without a query says nothing about the query.
  check('path', expected.path, expected.path?.includes('?') === true ? found.uri : found.uri.replace(/\?.*/s, ''));
  for (const [name, wanted] of Object.entries(expected.headers ?? {})) {
    check(`header ${name}`, wanted, fieldValue(found.headers ?? [], name));
  }
  return differences;
}

/** Of all fields with this name, as one list (RFC 9110 section 5.3), its bytes read as UTF-8. */
function fieldValue(rawHeaders: readonly string[], name: string): string {
  const isNamed = (_: string, at: number): boolean =>
    at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name.toLowerCase();
  return Buffer.from(rawHeaders.filter(isNamed).join(', '), 'latin1').toString('utf8');
}

function report(results: readonly TestResult[], failed: number, source: string, { style }: CliContext): string[] {
  if (results.length === 0) return [`${source} has no tests`];
  const rows = formatTable(results.map(({ request, target, rule }) => [request, target ?? 'reject', rule ?? '']));
  const lines = results.flatMap(({ passed, differences, why }, index) => [
    `${passed ? style('green', 'ok  ') : style('red', 'FAIL')}  ${rows[index]}`,
    ...(passed ? [] : [...differences, ...why].map((line) => `      ${line}`)),
  ]);
  return [...lines, `${results.length - failed} passed, ${failed} failed`];
}
