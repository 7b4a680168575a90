/** The commands for manifests and clusters; what they need is loaded when they run. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { SETTINGS } from '../kubernetes/settings.ts';
import type { CliContext } from './context.ts';
import type { InjectorFlags } from './injector.ts';
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
  addInjector(program, context, finish);
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

function addInjector(program: Command, context: CliContext, finish: (exitCode: number) => void): void {
  program
    .command('injector')
    .description('serve the webhook that puts the sidecar into pods that ask for it, and checks edits of routes')
    .option('--address <address>', 'of the webhook, HTTPS', '*:10250')
    .option('--metrics-address <address>', 'of metrics and probes', '*:5090')
    .option('--service <name>', 'the Service that the API server calls')
    .option('--namespace <name>', 'of the Service and the Secret (default: POD_NAMESPACE)')
    .option('--secret <name>', 'where the certificates are kept')
    .option('--webhook <name>', 'the mutating and the validating webhook configuration')
    .option('--certificate-folder <path>', 'with tls.crt and tls.key, where something else makes them')
    .option('--image <image>', 'of the sidecar', `outrider:${readVersion()}`)
    .addOption(pullPolicyOption())
    .option('--image-pull-secret <name>', 'Secret to pull the image with; repeatable', collect, [])
    .option('--default <name=value>', 'a setting under those of the pod; repeatable', collect, [])
    .option('--drain <ms>', 'how long it goes on serving after SIGTERM', parseMs, 5000)
    .option('--look <ms>', 'how often certificates and caBundle are looked at', parseMs, 10_000)
    .addHelpText('after', '\nThe chart runs it: helm install … --set injector.enabled=true')
    .allowExcessArguments(false)
    .action(async (flags: InjectorFlags) => {
      const { runInjector } = await import('./injector.ts');
      finish(await runInjector(flags, context));
    });
}

function parseMs(value: string): number {
  if (!/^[0-9]{1,6}$/.test(value)) throw new InvalidArgumentError('milliseconds');
  return Number(value);
}

function pullPolicyOption(): Option {
  return new Option('--image-pull-policy <policy>')
    .choices(['IfNotPresent', 'Always', 'Never'])
    .default('IfNotPresent');
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
    .addOption(pullPolicyOption())
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
