/** The commands for manifests and clusters; what they need is loaded when they run. */
import { type Command, Option } from 'commander';
import { SETTINGS } from '../kubernetes/settings.ts';
import type { CliContext } from './context.ts';
import { readVersion } from './version.ts';

const INJECT_EXAMPLES = `
Each setting may also be an annotation of the pod: outrider.dev/NAME (outrider.dev/config for --config-map).

Examples:
  kubectl get deploy acme -o yaml | outrider inject --config-map acme-routes | kubectl apply -f -
  outrider inject --config-map acme-routes --dry-run deployment.yaml
  outrider inject --config-map acme-routes --format kustomize deployment.yaml > outrider/kustomization.yaml
  kubectl get deploy acme -o yaml | outrider uninject | kubectl apply -f -`;

interface InjectOptions {
  readonly image: string;
  readonly imagePullPolicy: string;
  readonly imagePullSecret: string[];
  readonly dryRun?: boolean;
  readonly format: 'manifest' | 'kustomize';
}

export function addKubernetes(program: Command, context: CliContext, finish: (exitCode: number) => void): void {
  addInject(program, context, finish);
  program
    .command('uninject')
    .description('take out of manifests what `inject` put in')
    .argument('[file]', 'manifests, YAML or JSON; -: standard input', '-')
    .option('--dry-run', 'print what would change')
    .allowExcessArguments(false)
    .action(async (file: string, { dryRun }: { dryRun?: boolean }) => {
      const { uninject } = await import('./inject.ts');
      finish(await uninject(file, dryRun === true, context));
    });
}

function addInject(program: Command, context: CliContext, finish: (exitCode: number) => void): void {
  const command = program
    .command('inject')
    .description('put the sidecar into manifests, and print them')
    .argument('[file]', 'manifests, YAML or JSON; -: standard input', '-');
  const options = SETTINGS.map(({ name, form, meaning }) => {
    const option = new Option(`--${name === 'config' ? 'config-map' : name} <value>`, `${meaning}: ${form}`);
    command.addOption(option);
    return { name, key: option.attributeName() };
  });
  command
    .option('--image <image>', 'of the sidecar', `outrider:${readVersion()}`)
    .addOption(
      new Option('--image-pull-policy <policy>').choices(['IfNotPresent', 'Always', 'Never']).default('IfNotPresent'),
    )
    .option('--image-pull-secret <name>', 'Secret to pull the image with; repeatable', collect, [])
    .option('--dry-run', 'print what would change')
    .addOption(
      new Option('--format <format>', 'what is printed').choices(['manifest', 'kustomize']).default('manifest'),
    )
    .addHelpText('after', INJECT_EXAMPLES)
    .allowExcessArguments(false)
    .action(async (file: string, flags: InjectOptions) => {
      const given: Readonly<Record<string, unknown>> = command.opts();
      const settings = new Map<string, string>();
      for (const { name, key } of options) if (given[key] !== undefined) settings.set(name, String(given[key]));
      const { inject } = await import('./inject.ts');
      finish(await inject(file, { ...flags, dryRun: flags.dryRun === true, settings }, context));
    });
}

function collect(value: string, values: string[]): string[] {
  return [...values, value];
}
