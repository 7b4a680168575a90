/** Prints the configuration of an older system in ours, with comments; what this version lacks stands as a comment. */
import { ConfigError } from '../errors.ts';
import { convertDataSaver, convertInterceptor } from './convert-environment.ts';
import { convertEventProcessor } from './convert-event-processor.ts';
import { type Lines, printYaml } from './convert-print.ts';
import { convertProxy } from './convert-proxy.ts';
import { convertDispatcher, isDispatcherDocument } from './dispatcher.ts';
import { applyEnvironment, type Environment } from './environment.ts';
import { formatPath } from './mistakes.ts';
import { parseYaml } from './parse-yaml.ts';

export const olderSystems = ['dispatcher', 'interceptor', 'proxy', 'data-saver', 'event-processor'] as const;
export type OlderSystem = (typeof olderSystems)[number];

const converters: Readonly<Record<OlderSystem, (input: string, env: Environment) => Lines>> = {
  dispatcher: convertDispatcherFile,
  interceptor: convertInterceptor,
  proxy: convertProxy,
  'data-saver': convertDataSaver,
  'event-processor': convertEventProcessor,
};

/**
 * @param input see the table in docs/configuration.md
 * @param env variables that the older system read, where the input doesn't hold them
 * @returns one YAML file with the keys of both of ours; it loads as it is
 * @throws ConfigError where the input is not what it should be
 */
export function convertConfig(from: OlderSystem, input: string, env: Environment): string {
  return `${converters[from](input, env).join('\n')}\n`;
}

function convertDispatcherFile(input: string, env: Environment): Lines {
  const yaml = parseYaml(input, 'input');
  if (!isDispatcherDocument(yaml.value)) {
    const message = 'not a configuration of the dispatcher: expected `key`, `rewrites` and `destination`';
    throw new ConfigError([{ file: 'input', line: 1, column: 1, path: '', message }]);
  }
  const { document, mistakes, warnings } = convertDispatcher(yaml);
  if (mistakes.length > 0) {
    throw new ConfigError(
      mistakes.map(({ path, message, of }) => ({
        file: 'input',
        ...yaml.placeOf(path, of),
        path: formatPath(path),
        message,
      })),
    );
  }
  const environment = applyEnvironment(document, env);
  if (environment.mistakes.length > 0) throw new ConfigError(environment.mistakes);
  const { targets, rules, default: fallback, ...process } = environment.document;
  return [
    '# From the sidecar http dispatcher. hostHeader: preserve passes the Host of the caller on, as it did;',
    '# a path of a URL is put before the path of each request. Booleans were sent as True and False.',
    ...warnings.map((warning) => `# ${warning}`),
    ...(Object.keys(process).length > 0 ? printYaml(process) : []),
    ...printYaml({ targets, rules, default: fallback }),
  ];
}
