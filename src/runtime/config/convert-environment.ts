/** The systems that were configured by variables: the OpenResty interceptor and HTTP Data Saver. */
import { ConfigError, type ConfigMistake } from '../errors.ts';
import { type Lines, notYet, printYaml } from './convert-print.ts';
import { applyEnvironment, type Environment } from './environment.ts';
import { urlMistake } from './field.ts';

/** `NAME=value`, `export NAME=value`, `- NAME=value`, `NAME: value`, nginx's `env NAME=value;`. */
const plainLine = /^\s*(?:-\s*|export\s+|env\s+)?([A-Z][A-Z0-9_]*)\s*[=:]\s*(.*?)\s*;?\s*$/;
/** The two lines of a Pod's `env`: `- name: NAME` and `value: "…"`. */
const podName = /^\s*-?\s*name:\s*["']?([A-Z][A-Z0-9_]*)["']?\s*$/;
const podValue = /^\s*value:\s*(.*?)\s*$/;

/** Variables of a .env file, a Compose file or a Pod; other lines are passed over. */
export function readVariables(input: string): Record<string, string> {
  const variables: Record<string, string> = {};
  let podVariable = '';
  for (const line of input.split(/\r?\n/)) {
    const [, name, value] = plainLine.exec(line) ?? [];
    const [, named] = podName.exec(line) ?? [];
    const [, given] = podValue.exec(line) ?? [];
    if (name !== undefined && value !== undefined) variables[name] = unquote(value);
    else if (named !== undefined) podVariable = named;
    else if (given !== undefined && podVariable !== '') variables[podVariable] = unquote(given);
  }
  return variables;
}

export function convertInterceptor(input: string, env: Environment): Lines {
  const variables = { ...env, ...readVariables(input) };
  const url = requireUrl('BACKEND_URL', variables);
  return [
    '# From the OpenResty request interceptor: a failed request (502, 503, 504 or no answer) is kept on disk and',
    '# mirrored to Kafka, and its caller gets a friendly error. Messages have every field that they had, and more.',
    ...printYaml(processOf(variables)),
    ...printYaml({ targets: { backend: url } }),
    'rules:',
    '  - name: all',
    '    target: backend',
    '    capture:',
    '      answer:',
    '        status: 503',
    '        headers: { content-type: application/json }',
    `        body: '{"error": "Service temporarily unavailable", "message": "Your request is kept and will be looked after", "timestamp": "\${timestamp}", "request_id": "\${id}"}'`,
    'default: backend',
  ];
}

export function convertDataSaver(input: string, env: Environment): Lines {
  const variables = { ...env, ...readVariables(input) };
  const url = requireUrl('DOWNSTREAM_ENDPOINT', variables);
  return [
    '# From HTTP Data Saver. It answered 200 at once and delivered later; in this version the request is forwarded and',
    '# the caller gets the answer, and what fails is kept on disk. The queue in the cloud is not needed any more.',
    ...printYaml(processOf(variables)),
    ...printYaml({ targets: { downstream: url } }),
    'rules:',
    '  - name: all',
    '    target: downstream',
    ...notYet(['delivery: { mode: queued, answer: { status: 200 } }'], 4),
    'default: downstream',
  ];
}

/** Listeners, Kafka and log level from the variables; the routes are each converter's own. */
function processOf(variables: Environment): unknown {
  const { mistakes, document } = applyEnvironment({ default: 'reject' }, variables);
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  const { default: _routes, ...process } = document;
  return { apiVersion: 'outrider.dev/v1', ...process };
}

function requireUrl(variable: string, variables: Environment): string {
  const url = variables[variable]?.trim() ?? '';
  const mistake = url === '' ? 'missing: in the input or the environment' : urlMistake(url);
  if (mistake === null) return url;
  const place: Omit<ConfigMistake, 'message'> = { file: 'input', line: 0, column: 0, path: variable };
  throw new ConfigError([{ ...place, message: mistake }]);
}

function unquote(text: string): string {
  const [, double, single] = /^(?:"(.*)"|'(.*)')$/.exec(text) ?? [];
  return double ?? single ?? text;
}
