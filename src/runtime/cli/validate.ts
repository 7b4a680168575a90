import type { CliContext } from './context.ts';
import { readSettings } from './read-settings.ts';

/** Tells what a configuration holds. @throws ConfigError with every mistake */
export function validate(path: string | undefined, context: CliContext): number {
  const { process, routes, source, hash } = readSettings(path, context);
  const parts = [
    count(process.listeners.length, 'listener'),
    count(routes.targets.length, 'target'),
    count(routes.rules.length, 'rule'),
    count(routes.tests.length, 'test'),
  ];
  context.out(`${context.style('green', 'valid')}: ${source} (${parts.join(', ')}; hash ${hash})`);
  return 0;
}

function count(many: number, noun: string): string {
  return `${many} ${noun}${many === 1 ? '' : 's'}`;
}
