/**
 * What may be said about an injection: the same names are annotations (`outrider.dev/config`) and options of
 * `outrider inject` (`--config`). Everything is text, checked here.
 */
import { didYouMean, listOf, shown } from '../config/suggest.ts';
import { defaultSettings, type InjectSettings } from './inject-settings.ts';
import { PREFIX } from './names.ts';
import {
  booleanInto,
  ENV_MODES,
  HOST,
  LEVELS,
  listInto,
  NAME,
  oneOfInto,
  portInto,
  quantityInto,
  type Reader,
  readEnvMode,
  readExtraEnv,
  readSpool,
  readUser,
  textInto,
} from './setting-readers.ts';

export interface Setting {
  readonly name: string;
  /** What a value looks like, for help and mistakes. */
  readonly form: string;
  readonly meaning: string;
  /** Takes the value over; false: it is none of `form`. */
  readonly read: Reader;
}

export const SETTINGS: readonly Setting[] = [
  {
    name: 'config',
    form: 'NAME or PROCESS,ROUTES',
    meaning:
      'ConfigMap with routes.yaml (and outrider.yaml, if the defaults do not suit), or one with outrider.yaml and one with routes.yaml',
    read: listInto('config', NAME, 2),
  },
  {
    name: 'native',
    form: 'true or false',
    meaning: 'an init container that stays; false: a plain container',
    read: booleanInto('native'),
  },
  {
    name: 'port',
    form: 'a port',
    meaning: 'where the application finds Outrider, on localhost (5000)',
    read: portInto('port'),
  },
  { name: 'metrics-port', form: 'a port', meaning: 'of metrics and probes (5090)', read: portInto('metricsPort') },
  { name: 'admin-port', form: 'a port', meaning: 'of the admin API, on localhost (5091)', read: portInto('adminPort') },
  {
    name: 'inbound-port',
    form: 'a port',
    meaning: 'where Outrider stands in front of the application; the Service points here',
    read: portInto('inboundPort'),
  },
  {
    name: 'app-port',
    form: 'a port',
    meaning: 'where the application listens, for inbound-port',
    read: portInto('appPort'),
  },
  {
    name: 'intercept',
    form: 'HOST[,HOST…]',
    meaning: 'hosts that the application calls on port 80, which become loopback',
    read: listInto('intercept', HOST),
  },
  {
    name: 'env-mode',
    form: ENV_MODES.join(', '),
    meaning: "the application's environment: HTTP_PROXY and NO_PROXY, or OUTRIDER_URL",
    read: readEnvMode,
  },
  {
    name: 'containers',
    form: 'NAME[,NAME…]',
    meaning: 'containers that env-mode is for (all)',
    read: listInto('containers', NAME),
  },
  { name: 'log-level', form: LEVELS.join(', '), meaning: 'of the sidecar (info)', read: oneOfInto('logLevel', LEVELS) },
  {
    name: 'spool',
    form: 'emptyDir:256Mi, pvc:NAME[:256Mi], ephemeral:1Gi[:STORAGE-CLASS] or none',
    meaning: 'volume of the spool, and its quota',
    read: readSpool,
  },
  {
    name: 'cpu-request',
    form: 'a quantity such as 25m',
    meaning: 'of the sidecar (25m)',
    read: quantityInto('cpuRequest'),
  },
  {
    name: 'cpu-limit',
    form: 'a quantity such as 500m',
    meaning: 'of the sidecar (none)',
    read: quantityInto('cpuLimit'),
  },
  {
    name: 'memory-request',
    form: 'a quantity such as 64Mi',
    meaning: 'of the sidecar (64Mi)',
    read: quantityInto('memoryRequest'),
  },
  {
    name: 'memory-limit',
    form: 'a quantity such as 128Mi',
    meaning: 'of the sidecar (128Mi)',
    read: quantityInto('memoryLimit'),
  },
  {
    name: 'run-as-user',
    form: 'a number from 1, or none',
    meaning: 'user of the sidecar (10001); none: whom the cluster gives',
    read: readUser,
  },
  {
    name: 'secret',
    form: 'NAME',
    meaning: 'Secret whose keys become files in /var/run/secrets/outrider, for ${file:…}',
    read: textInto('secret', NAME),
  },
  {
    name: 'extra-env',
    form: 'JSON such as {"KAFKA_BROKERS":"kafka:9092"}',
    meaning: 'more environment for the sidecar',
    read: readExtraEnv,
  },
  {
    name: 'scrape',
    form: 'true or false',
    meaning: 'prometheus.io annotations for the sidecar, where the pod has none (false)',
    read: booleanInto('scrape'),
  },
];

export interface SettingMistake {
  readonly name: string;
  readonly message: string;
}

/**
 * @param given by the names of SETTINGS
 * @returns every mistake there is, beside what is right
 */
export function readSettings(given: ReadonlyMap<string, string>): {
  readonly settings: InjectSettings;
  readonly mistakes: readonly SettingMistake[];
} {
  const settings = defaultSettings();
  const mistakes: SettingMistake[] = [];
  for (const [name, text] of given) {
    const setting = SETTINGS.find((one) => one.name === name);
    if (setting === undefined) {
      const names = SETTINGS.map((one) => one.name);
      mistakes.push({
        name,
        message: `there is no such setting${didYouMean(name, names) || `; allowed: ${listOf(names)}`}`,
      });
    } else if (!setting.read(text.trim(), settings)) {
      mistakes.push({ name, message: `found ${shown(text)}; expected ${setting.form}` });
    }
  }
  return { settings, mistakes: [...mistakes, ...together(settings, given)] };
}

/** The settings among a pod's annotations; ours that are no settings are left out. */
export function settingsOf(
  annotations: Readonly<Record<string, unknown>>,
  notSettings: readonly string[],
): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(annotations)) {
    if (key.startsWith(PREFIX) && !notSettings.includes(key)) found.set(key.slice(PREFIX.length), String(value));
  }
  return found;
}

/** Settings that mean nothing without each other, or that take the same port. */
function together(settings: InjectSettings, given: ReadonlyMap<string, string>): SettingMistake[] {
  const { config, inboundPort, appPort, intercept } = settings;
  const mistakes: SettingMistake[] = [];
  if (config.length === 0 && !given.has('config'))
    mistakes.push({ name: 'config', message: 'missing: name the ConfigMap with routes.yaml' });
  if (inboundPort !== null && appPort === null)
    mistakes.push({ name: 'app-port', message: 'missing: inbound-port needs it' });
  if (inboundPort === null && appPort !== null)
    mistakes.push({ name: 'inbound-port', message: 'missing: app-port means nothing without it' });
  const ports: [string, number | null][] = [
    ['port', settings.port],
    ['metrics-port', settings.metricsPort],
    ['admin-port', settings.adminPort],
    ['inbound-port', inboundPort],
    ['app-port', appPort],
    ['intercept', intercept.length > 0 ? 80 : null],
  ];
  for (const [index, [name, port]] of ports.entries()) {
    const earlier = ports.slice(0, index).find(([, other]) => port !== null && other === port);
    if (earlier !== undefined) mistakes.push({ name, message: `port ${port} is ${earlier[0]}, too: choose another` });
  }
  return mistakes;
}
