import { createKeeperLog } from '../../watch/log.ts';
import { Injector } from '../injector.ts';
import { createKubeApi, type KubeAccount, ownAccount } from '../kubernetes/node-kube-api.ts';
import { readSettings } from '../kubernetes/settings.ts';
import { type CertificateSource, mountedCertificates, ownCertificates } from '../kubernetes/webhook-certificates.ts';
import { onSignals } from '../lifecycle.ts';
import type { CliContext } from './context.ts';
import { UsageError } from './usage-error.ts';
import { readVersion } from './version.ts';

export interface InjectorFlags {
  readonly address: string;
  readonly metricsAddress: string;
  readonly image: string;
  readonly imagePullPolicy: string;
  readonly imagePullSecret: readonly string[];
  /** `name=value`. */
  readonly default: readonly string[];
  readonly service?: string;
  readonly namespace?: string;
  readonly secret?: string;
  readonly webhook?: string;
  readonly certificateFolder?: string;
  readonly drain: number;
  readonly look: number;
}

/** Serves until it is told to end. */
export async function runInjector(flags: InjectorFlags, context: CliContext, account?: KubeAccount): Promise<number> {
  const base = {
    image: flags.image,
    pullPolicy: flags.imagePullPolicy,
    imagePullSecrets: flags.imagePullSecret,
    version: readVersion(),
    defaults: defaultsFrom(flags.default),
  };
  const injector = new Injector({
    address: flags.address,
    metricsAddress: flags.metricsAddress,
    base,
    certificates: certificatesFor(flags, context, account),
    log: createKeeperLog({ level: 'info', redaction: { uri: (uri) => uri, text: (text) => text } }),
    lookMs: flags.look,
    drainMs: flags.drain,
  });
  const removeSignals = onSignals(
    () => injector.stop(),
    () => process.exit(1),
  );
  try {
    await injector.run();
    return 0;
  } finally {
    removeSignals();
  }
}

function certificatesFor(flags: InjectorFlags, { env }: CliContext, account?: KubeAccount): CertificateSource {
  if (flags.certificateFolder !== undefined) return mountedCertificates(flags.certificateFolder);
  const namespace = flags.namespace ?? env.POD_NAMESPACE ?? '';
  const { service, secret, webhook } = flags;
  if (namespace === '' || service === undefined || secret === undefined || webhook === undefined) {
    throw new UsageError(
      'the injector makes its own certificates from --service, --secret, --webhook and --namespace (or POD_NAMESPACE): all are needed, or --certificate-folder with tls.crt and tls.key',
    );
  }
  return ownCertificates({
    api: createKubeApi(account ?? ownAccount(env)),
    namespace,
    secret,
    names: [`${service}.${namespace}.svc`, `${service}.${namespace}.svc.cluster.local`],
    webhooks: [
      { kind: 'mutatingwebhookconfigurations', name: webhook },
      { kind: 'validatingwebhookconfigurations', name: webhook },
    ],
    now: () => new Date(),
  });
}

function defaultsFrom(texts: readonly string[]): Map<string, string> {
  const defaults = new Map(
    texts.map((text): [string, string] => {
      const at = text.indexOf('=');
      if (at < 1) throw new UsageError(`--default ${text}: expected NAME=VALUE, as in --default memory-limit=256Mi`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
  const wrong = readSettings(defaults).mistakes.filter(({ name }) => defaults.has(name));
  if (wrong.length > 0)
    throw new UsageError(wrong.map(({ name, message }) => `--default ${name}: ${message}`).join('; '));
  return defaults;
}
