import type { Settings } from '../../settings.ts';
import type { CliContext } from './context.ts';
import { readSettings } from './read-settings.ts';
import { headFromWords, type WrittenRequest } from './request-head.ts';
import { explainer, type SentRequest } from './sent-request.ts';
import { printable, printableJson } from './table.ts';
import { UsageError } from './usage-error.ts';

interface ExplainRequest extends Omit<WrittenRequest, 'listener'> {
  readonly listener: string | undefined;
}

/**
 * Tells what would become of a request, without sending it.
 *
 * @throws UsageError for a request that HTTP doesn't know or a listener that isn't there
 * @throws ConfigError with every mistake of the configuration
 */
export function explain(path: string | undefined, request: ExplainRequest, json: boolean, context: CliContext): number {
  const settings = readSettings(path, context);
  const listener = listenerNamed(settings, request.listener);
  const sent = explainer(settings, context.env)(headFromWords({ ...request, listener }));
  if (json) context.out(printableJson({ ...sent, headers: sent.headers && pairs(sent.headers) }));
  else for (const line of describe(sent, request.method)) context.out(line);
  return 0;
}

function listenerNamed({ process: { listeners } }: Settings, name: string | undefined): string {
  const found = name === undefined ? listeners[0] : listeners.find((listener) => listener.name === name);
  if (found !== undefined) return found.name;
  throw new UsageError(
    `there is no listener ${JSON.stringify(name)}; there are ${listeners.map((l) => l.name).join(', ')}`,
  );
}

function describe({ rule, target, uri, urls, headers, why }: SentRequest, method: string): string[] {
  const fields = pairs(headers ?? []).map((field) => field.join(': '));
  return [
    ...labelled('rule', [rule ?? 'none: rejected with 404']),
    ...labelled('target', target === null ? [] : [target]),
    ...labelled(urls.length > 1 ? 'one of' : 'url', urls),
    ...labelled('why', why),
    ...labelled('sent', headers === null ? ['nothing'] : [`${method} ${uri} HTTP/1.1`, ...fields]),
  ];
}

/** The label stands before the first line only. */
function labelled(label: string, lines: readonly string[]): string[] {
  const WIDTH = 8;
  return lines.map((line, index) => `${(index === 0 ? label : '').padEnd(WIDTH)}${printable(line)}`);
}

function pairs(rawHeaders: readonly string[]): [string, string][] {
  const fields: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) fields.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '']);
  return fields;
}
