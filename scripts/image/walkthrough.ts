/**
 * The two other images of example/walkthrough, from what this machine has, for clusters without a registry: nginx, and
 * a one-node Kafka of the jars that the tests use on a Java runtime of what it needs.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type KafkaJars, kafkaJars, READER_VERSION, runJava } from '../../test/helpers/kafka-jars.ts';
import { copyLibraries, copyProgram, type ImageConfig, type Owner, writeArchive } from './archive.ts';
import { IMAGE_UID } from './root.ts';

/** Fixed: the same folder gives the same image. */
const CLUSTER_ID = 'xOutriderWalkthroughAA';
const MODULES = [
  'java.base',
  'java.logging',
  'java.management',
  'java.naming',
  'java.security.jgss',
  'java.security.sasl',
  'java.sql',
  'java.xml',
  'jdk.crypto.ec',
  'jdk.unsupported',
];
const JVM = ['-Xms64m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData'];

interface Image {
  readonly name: string;
  readonly config: ImageConfig;
  readonly owners: readonly Owner[];
  readonly fill: (root: string, work: string) => Promise<void> | void;
}

const nginx: Image = {
  name: 'nginx:walkthrough',
  config: {
    Entrypoint: ['/usr/sbin/nginx', '-g', 'daemon off;'],
    User: `${IMAGE_UID}:0`,
    WorkingDir: '/',
    ExposedPorts: { '8080/tcp': {} },
    StopSignal: 'SIGQUIT',
  },
  owners: [],
  fill: (root) => {
    const binary = execFileSync('sh', ['-c', 'PATH=$PATH:/usr/sbin command -v nginx'], { encoding: 'utf8' }).trim();
    copyProgram(binary, root, '/usr/sbin/nginx');
    for (const folder of ['etc/nginx/conf.d', 'var/log/nginx', 'var/lib/nginx']) {
      mkdirSync(join(root, folder), { recursive: true });
    }
    writeFileSync(join(root, 'etc/nginx/nginx.conf'), NGINX_CONF);
  },
};

const NGINX_CONF = `worker_processes 1;
pid /tmp/nginx.pid;
error_log /dev/stderr notice;
events { worker_connections 512; }
http {
  access_log /dev/stdout;
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  include conf.d/*.conf;
}
`;

const kafka: Image = {
  name: 'kafka:walkthrough',
  config: {
    Entrypoint: ['/opt/java/bin/java'],
    Cmd: ['@/opt/kafka/start'],
    Env: ['PATH=/opt/java/bin'],
    User: `${IMAGE_UID}:0`,
    WorkingDir: '/opt/kafka',
    ExposedPorts: { '9092/tcp': {} },
  },
  owners: [{ path: 'var/lib/kafka', uid: IMAGE_UID, gid: 0 }],
  fill: async (root, work) => {
    const java = join(root, 'opt/java');
    mkdirSync(join(root, 'opt/kafka/jars'), { recursive: true });
    execFileSync('jlink', ['--add-modules', MODULES.join(','), '--strip-java-debug-attributes', '--output', java]);
    const folder = join(java, 'lib');
    const libraries = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.so'));
    for (const binary of [join(java, 'bin/java'), ...libraries.map((name) => join(folder, name))]) {
      copyLibraries(binary, root);
    }
    const jars = await kafkaJars(READER_VERSION);
    for (const jar of jars.classPath.split(':')) cpSync(jar, join(root, 'opt/kafka/jars', basename(jar)));
    writeArgumentFiles(join(root, 'opt/kafka'));
    await formatStorage(jars, root, work);
  },
};

/** Commands without a shell: `java @start`, `java @create-topic`, `java @read`. */
function writeArgumentFiles(folder: string): void {
  const commands: Readonly<Record<string, string>> = {
    start: 'kafka.Kafka /opt/kafka/server.properties',
    'create-topic':
      'org.apache.kafka.tools.TopicCommand --bootstrap-server kafka:9092 --create --if-not-exists --topic failed-requests',
    read: 'org.apache.kafka.tools.consumer.ConsoleConsumer --bootstrap-server kafka:9092 --topic failed-requests --from-beginning --timeout-ms 30000 --max-messages 1',
  };
  for (const [name, command] of Object.entries(commands)) {
    writeFileSync(join(folder, name), `${JVM.join(' ')} -cp /opt/kafka/jars/*\n${command}\n`);
  }
  writeFileSync(join(folder, 'server.properties'), serverProperties('/var/lib/kafka'));
}

function serverProperties(data: string): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:9093
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://0.0.0.0:9092,CONTROLLER://127.0.0.1:9093
advertised.listeners=PLAINTEXT://kafka:9092
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=${data}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
`;
}

/** The broker starts only on a formatted folder, and the image has no shell to format one at its start. */
async function formatStorage(jars: KafkaJars, root: string, work: string): Promise<void> {
  const data = join(root, 'var/lib/kafka');
  mkdirSync(data, { recursive: true });
  const properties = join(work, 'format.properties');
  writeFileSync(properties, serverProperties(data));
  await runJava(jars, ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', properties]);
}

function fillBase(root: string): void {
  for (const folder of ['etc', 'tmp', 'dev', 'proc', 'sys', 'run']) mkdirSync(join(root, folder), { recursive: true });
  execFileSync('chmod', ['1777', join(root, 'tmp')]);
  const users = ['root:x:0:0:root:/:/sbin/nologin', `app:x:${IMAGE_UID}:0:app:/tmp:/sbin/nologin`];
  writeFileSync(join(root, 'etc/passwd'), `${users.join('\n')}\n`);
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n');
  writeFileSync(join(root, 'etc/nsswitch.conf'), 'hosts: files dns\n');
}

/** Writes nginx.tar and kafka.tar into the folder; returns a line about each. */
export async function makeWalkthroughImages(folder: string): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const lines: string[] = [];
  for (const { name, config, owners, fill } of [nginx, kafka]) {
    const work = mkdtempSync(join(tmpdir(), 'outrider-walkthrough-'));
    try {
      const root = join(work, 'image');
      fillBase(root);
      await fill(root, work);
      const output = join(folder, `${name.split(':')[0]}.tar`);
      lines.push(`${name} ${writeArchive({ name, root, config, owners, work, output })}`);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  return lines;
}
