import { readFileSync } from 'node:fs';
import { createTwoFilesPatch } from 'diff';
import { EXIT_FAILURE } from '../errors.ts';
import { injectManifests, type ManifestResult, uninjectManifests } from '../kubernetes/inject-manifest.ts';
import { kustomizeComponent } from '../kubernetes/kustomize.ts';
import { type ManifestFile, readManifests } from '../kubernetes/manifest.ts';
import { PREFIX } from '../kubernetes/names.ts';
import { readSettings } from '../kubernetes/settings.ts';
import type { CliContext } from './context.ts';
import { CommandFailure, UsageError } from './usage-error.ts';
import { readVersion } from './version.ts';

export interface InjectFlags {
  readonly image: string;
  readonly imagePullPolicy: string;
  readonly imagePullSecret: readonly string[];
  readonly dryRun: boolean;
  readonly format: 'manifest' | 'kustomize';
  /** By the names of settings. */
  readonly settings: ReadonlyMap<string, string>;
}

/** `--config-map` of the setting `config`: `--config` is Outrider's own configuration in every other command. */
export function flagOf(setting: string): string {
  return setting === 'config' ? 'config-map' : setting;
}

/** Prints the manifests with the sidecar in them. @throws ConfigError where the file can't be read */
export async function inject(path: string, flags: InjectFlags, context: CliContext): Promise<number> {
  const { mistakes } = readSettings(flags.settings);
  const wrong = mistakes.filter(({ name }) => flags.settings.has(name));
  if (wrong.length > 0) throw new UsageError(wrong.map((one) => `--${flagOf(one.name)}: ${one.message}`).join('; '));
  const file = await open(path, context);
  const result = injectManifests(file, {
    image: flags.image,
    pullPolicy: flags.imagePullPolicy,
    imagePullSecrets: flags.imagePullSecret,
    version: readVersion(),
    given: flags.settings,
    nameOf: (setting, given) => (given ? `--${flagOf(setting)}` : `${PREFIX}${setting} (or --${flagOf(setting)})`),
    stale: 'replace',
  });
  const print = flags.format === 'kustomize' ? () => kustomizeComponent(result.changes) : () => file.print();
  return finish(path, file, result, flags.dryRun, print, context);
}

/** Prints the manifests without what `inject` put in. */
export async function uninject(path: string, dryRun: boolean, context: CliContext): Promise<number> {
  const file = await open(path, context);
  return finish(path, file, uninjectManifests(file), dryRun, () => file.print(), context);
}

async function open(path: string, context: CliContext): Promise<ManifestFile> {
  const text = path === '-' ? await context.readInput() : readFileSync(path, 'utf8');
  const file = readManifests(text, path === '-' ? 'standard input' : path);
  if (file.objects.length === 0)
    throw new CommandFailure(`${path === '-' ? 'standard input' : path} holds no manifest`);
  return file;
}

function finish(
  path: string,
  file: ManifestFile,
  { changes, refusals }: ManifestResult,
  dryRun: boolean,
  print: () => string,
  context: CliContext,
): number {
  if (refusals.length > 0) {
    for (const refusal of refusals) context.err(`refused: ${refusal}`);
    return EXIT_FAILURE;
  }
  if (changes.length === 0) throw new CommandFailure('none of the manifests makes pods: nothing to inject');
  for (const { name, result, warnings } of changes) {
    context.err(`${name}: ${result}`);
    for (const warning of warnings) context.err(`warning: ${name}: ${warning}`);
  }
  if (dryRun) printDiff(path, file, context);
  else context.out(print().trimEnd());
  return 0;
}

function printDiff(path: string, file: ManifestFile, context: CliContext): void {
  const name = path === '-' ? 'manifest' : path;
  const diff = createTwoFilesPatch(name, `${name} (result)`, file.original, file.print(), '', '', { context: 3 });
  for (const line of diff.trimEnd().split('\n').slice(1)) {
    if (line.startsWith('+')) context.out(context.style('green', line));
    else if (line.startsWith('-')) context.out(context.style('red', line));
    else context.out(line);
  }
}
