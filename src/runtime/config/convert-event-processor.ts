/** HTTP Event Processor: the values of its Helm chart. */
import * as z from 'zod';
import { ConfigError } from '../errors.ts';
import { type Lines, notYet, printYaml } from './convert-print.ts';
import { wholeNumber } from './field.ts';
import { formatPath, validate } from './mistakes.ts';
import { parseYaml } from './parse-yaml.ts';

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** What of the chart's values concerns the process; the rest is Kubernetes' and stays where it is. */
const valuesDefinition = z.looseObject({
  app: z
    .looseObject({
      port: wholeNumber(1, 65535).prefault(8080),
      logLevel: z.enum(levels).prefault('info'),
      eventExpiryMinutes: z.number().min(0).prefault(30),
      cleanupIntervalMinutes: z.number().min(0).prefault(5),
    })
    .prefault({}),
  persistence: z.looseObject({ enabled: z.boolean().prefault(false), size: z.string().prefault('1Gi') }).prefault({}),
});

export function convertEventProcessor(input: string): Lines {
  const yaml = parseYaml(input, 'input');
  const { output, mistakes } = validate(valuesDefinition, yaml.value ?? {});
  if (output === null) {
    throw new ConfigError(
      mistakes.map(({ path, message, of }) => ({
        file: 'input',
        ...yaml.placeOf(path, of),
        path: formatPath(path),
        message,
      })),
    );
  }
  const { app, persistence } = output;
  return [
    "# From HTTP Event Processor's values. Expired events are removed as they expire: cleanupIntervalMinutes is not",
    '# needed. Image, replicas and autoscaling are values of the chart.',
    ...printYaml({ apiVersion: 'outrider.dev/v1', log: { level: app.logLevel } }),
    ...notYet(
      printYaml({ events: { enabled: true, address: `*:${app.port}`, expireAfter: `${app.eventExpiryMinutes}m` } }),
    ),
    ...(persistence.enabled ? ['spool:', `  size: ${persistence.size} # persistence.size`] : []),
    '# It took copies and forwarded nothing: so does this, until there are targets.',
    'default: reject',
  ];
}
