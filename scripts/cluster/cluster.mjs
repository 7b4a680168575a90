// The cluster that tests and the walkthrough use: the one that KUBECONFIG names, or the one of ../shared/tools/cluster.
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { makeOutriderArchive, packageVersion } from '../image/outrider.ts';
import { root, runQuietly, say } from '../project.mjs';
import { makeKafkaArchive, makeNginxArchive } from './stand-ins.ts';

const TOOLS = join(root, '..', 'shared', 'tools', 'cluster');
const ARCHIVES = join(root, 'var', 'cluster');

/** What the walkthrough takes from a registry, where there is one. */
export const NGINX_IMAGE = 'nginx:stable';
export const KAFKA_IMAGE = 'apache/kafka:4.1.0';

/**
 * Starts it if need be. Returns the environment to run kubectl and helm with, and how to load an archive: the command
 * of OUTRIDER_LOAD_IMAGE (`minikube image load`, `kind load image-archive`), or the tools' own.
 */
export function startCluster() {
  const own = join(TOOLS, 'up');
  const named = (process.env.OUTRIDER_LOAD_IMAGE ?? '').split(' ').filter((word) => word !== '');
  if (process.env.KUBECONFIG && named.length > 0) return { env: { ...process.env }, load: named };
  if (!existsSync(own)) {
    throw new Error(
      'no cluster: set KUBECONFIG, and OUTRIDER_LOAD_IMAGE to what loads an archive into it (minikube image load)',
    );
  }
  say('Starting the cluster …');
  const { code, output } = runQuietly('bash', ['-c', `"${join(TOOLS, 'build')}" >/dev/null && "${own}" 2>/dev/null`]);
  if (code !== 0) throw new Error(`the cluster does not start:\n${output.trim()}`);
  const kubeconfig = /KUBECONFIG=(\S+)/.exec(output)?.[1] ?? '';
  const path = /PATH=([^:\s]+):/.exec(output)?.[1] ?? '';
  const env = { ...process.env, KUBECONFIG: kubeconfig, PATH: `${path}:${process.env.PATH}` };
  return { env, load: [join(TOOLS, 'load-image')] };
}

/** The images that are used, made anew where they are ours and once where they are not. */
export function loadImages({ env, load }) {
  mkdirSync(ARCHIVES, { recursive: true });
  const outrider = join(ARCHIVES, 'outrider.tar');
  makeOutriderArchive(outrider);
  const nginx = join(ARCHIVES, 'nginx.tar');
  const kafka = join(ARCHIVES, 'kafka.tar');
  if (!existsSync(nginx)) makeNginxArchive(NGINX_IMAGE, nginx);
  if (!existsSync(kafka)) makeKafkaArchive(KAFKA_IMAGE, kafka, kafkaJars());
  const [command = '', ...args] = load;
  for (const archive of [outrider, nginx, kafka]) {
    const { code, output } = runQuietly(command, [...args, archive], { env });
    if (code !== 0) throw new Error(`${archive} can't be loaded: ${output.trim()}`);
  }
  say(`Loaded outrider:${packageVersion()}, ${NGINX_IMAGE}, ${KAFKA_IMAGE}.`);
}

/** Those that the tests with a real Kafka have fetched. */
function kafkaJars() {
  const cache = join(process.env.OUTRIDER_CACHE ?? join(homedir(), '.cache', 'outrider'), 'kafka');
  const folders = existsSync(cache) ? readdirSync(cache).map((name) => join(cache, name)) : [];
  const jars = folders.map((folder) => join(folder, '4.4.0', 'jars')).find((folder) => existsSync(folder));
  if (jars === undefined)
    throw new Error("Kafka's jars are not there yet: npm test -- test/e2e/mirror.test.ts fetches them");
  return jars;
}
