/**
 * Stand-ins for images that tests and the walkthrough take from elsewhere, made of this machine's own programs for a
 * cluster that reaches no registry. They have the names, ports and settings of those that they stand in for, as far as
 * they are used here.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { copyLibraries, copyProgram, type ImageConfig, writeArchive } from '../image/archive.ts';

const USERS = 'root:x:0:0:root:/root:/bin/sh\nnginx:x:101:101:nginx:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n';
const GROUPS = 'root:x:0:\nnginx:x:101:\nnogroup:x:65534:\n';

function makeArchive(name: string, output: string, config: ImageConfig, fill: (root: string) => void): void {
  const work = mkdtempSync(join(tmpdir(), 'outrider-stand-in-'));
  try {
    const root = join(work, 'root');
    for (const folder of ['etc', 'tmp', 'dev', 'proc', 'sys', 'run'])
      mkdirSync(join(root, folder), { recursive: true });
    execFileSync('chmod', ['1777', join(root, 'tmp')]);
    writeFileSync(join(root, 'etc/passwd'), USERS);
    writeFileSync(join(root, 'etc/group'), GROUPS);
    writeFileSync(join(root, 'etc/nsswitch.conf'), 'hosts: files dns\n');
    fill(root);
    writeArchive({ name, root, config, owners: [], work, output });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Debian's nginx; its configuration is mounted. */
export function makeNginxArchive(name: string, output: string): void {
  const nginx = ['/usr/sbin/nginx', '/usr/local/sbin/nginx'].find((path) => existsSync(path));
  if (nginx === undefined) throw new Error('nginx is not installed (apt-get install nginx-light)');
  const config = { Entrypoint: ['/usr/sbin/nginx'], Cmd: ['-g', 'daemon off;'], ExposedPorts: { '80/tcp': {} } };
  makeArchive(name, output, { ...config, StopSignal: 'SIGQUIT' }, (root) => {
    copyProgram(nginx, root, '/usr/sbin/nginx');
    for (const folder of ['etc/nginx', 'var/log/nginx', 'var/lib/nginx'])
      mkdirSync(join(root, folder), { recursive: true });
    cpSync('/etc/nginx/mime.types', join(root, 'etc/nginx/mime.types'));
  });
}

/** As apache/kafka does it: what KAFKA_… says becomes server.properties, the folder is formatted, and the broker runs. */
const KAFKA_START = `#!/bin/bash
set -eu
properties=/tmp/server.properties
: >$properties
for name in $(compgen -e KAFKA_); do
  key=\${name#KAFKA_}
  key=\${key,,}
  echo "\${key//_/.}=\${!name}" >>$properties
done
echo "log.dirs=/tmp/kafka-logs" >>$properties
java="/opt/java/bin/java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp /opt/kafka/libs/*"
$java kafka.tools.StorageTool format --ignore-formatted -t xtzWWN4bTjitpL3kfd9s5g -c $properties >/dev/null
exec $java kafka.Kafka $properties
`;

const tool = (main: string): string => `#!/bin/bash
exec /opt/java/bin/java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '/opt/kafka/libs/*' ${main} "$@"
`;

/** `jars`: a folder with Kafka's. The Java is this machine's. */
export function makeKafkaArchive(name: string, output: string, jars: string): void {
  const java = dirname(dirname(realpathSync(execFileSync('which', ['java'], { encoding: 'utf8' }).trim())));
  const config = { Entrypoint: ['/opt/kafka/start.sh'], ExposedPorts: { '9092/tcp': {} }, User: '1000:1000' };
  const Env = ['PATH=/opt/java/bin:/opt/kafka/bin:/usr/bin:/bin'];
  makeArchive(name, output, { ...config, Env }, (root) => {
    mkdirSync(join(root, 'opt/java'), { recursive: true });
    // Its links lead out of it, and one of them nowhere.
    spawnSync('cp', ['-rL', `${java}/bin`, `${java}/lib`, `${java}/conf`, join(root, 'opt/java')], { stdio: 'ignore' });
    for (const program of binariesOf(join(root, 'opt/java'))) copyLibraries(program, root);
    copyProgram('/bin/bash', root);
    cpSync(jars, join(root, 'opt/kafka/libs'), { recursive: true });
    mkdirSync(join(root, 'opt/kafka/bin'), { recursive: true });
    const scripts = {
      'start.sh': KAFKA_START,
      'bin/kafka-console-consumer.sh': tool('org.apache.kafka.tools.consumer.ConsoleConsumer'),
      'bin/kafka-topics.sh': tool('org.apache.kafka.tools.TopicCommand'),
    };
    for (const [path, text] of Object.entries(scripts)) {
      writeFileSync(join(root, 'opt/kafka', path), text, { mode: 0o755 });
    }
  });
}

const binariesOf = (java: string): string[] => [
  join(java, 'bin/java'),
  ...readdirSync(join(java, 'lib')).flatMap((name) => (name.endsWith('.so') ? [join(java, 'lib', name)] : [])),
  join(java, 'lib/server/libjvm.so'),
];
