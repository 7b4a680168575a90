/** Apache Kafka's jars from Maven Central, fetched once and kept: the second time needs no network and no Maven. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { waitFor } from './wait.ts';

export type KafkaVersion = '4.4.0' | '3.9.2';

/** The version that has the console consumer. */
export const READER_VERSION: KafkaVersion = '3.9.2';
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
const POM = join(import.meta.dirname, 'kafka-pom.xml');
const DOWNLOAD_MS = 180_000;

export interface KafkaJars {
  /** Where what belongs to these jars is kept. */
  readonly folder: string;
  /** Class path: the jars by name, so that it is the same list for every start. */
  readonly classPath: string;
}

/** Whether a command is on PATH. */
export function isOnPath(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, command)));
}

/** Fetches what is missing; two runs at once fetch it once. */
export async function kafkaJars(version: KafkaVersion): Promise<KafkaJars> {
  const hash = createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 16);
  const cache = process.env.OUTRIDER_CACHE ?? join(homedir(), '.cache', 'outrider');
  const folder = join(cache, 'kafka', hash, version);
  const jars = join(folder, 'jars');
  await once(folder, jars, () => fetch(jars, version));
  const names = readdirSync(jars)
    .filter((name) => name.endsWith('.jar'))
    .sort();
  return { folder, classPath: names.map((name) => join(jars, name)).join(':') };
}

/** Offline first: Maven's own repository may hold it all. The folder appears whole or not at all. */
async function fetch(jars: string, version: KafkaVersion): Promise<void> {
  const partial = `${jars}.partial`;
  const profile = version === READER_VERSION ? ['-P', 'console-consumer'] : [];
  const options = ['-q', '-B', '-f', POM, ...profile, `-Dkafka.version=${version}`];
  const goal = [COPY, '-DincludeScope=runtime', `-DoutputDirectory=${partial}`];
  rmSync(partial, { recursive: true, force: true });
  try {
    await run('mvn', ['-o', ...options, ...goal]);
  } catch {
    rmSync(partial, { recursive: true, force: true });
    await run('mvn', [...options, ...goal]);
  }
  renameSync(partial, jars);
}

async function run(command: string, args: readonly string[]): Promise<void> {
  await promisify(execFile)(command, args, { timeout: DOWNLOAD_MS, maxBuffer: 64 * 1024 * 1024 });
}

/** Does the work that makes `path` appear, unless it is there; two processes do it once. */
export async function once(folder: string, path: string, work: () => Promise<unknown>): Promise<void> {
  if (existsSync(path)) return;
  await withLock(`${folder}.lock`, async () => existsSync(path) || (await work()));
}

/** A file with the holder's process id; one whose holder is gone is taken over. */
async function withLock(lock: string, work: () => Promise<unknown>): Promise<void> {
  mkdirSync(join(lock, '..'), { recursive: true });
  await waitFor(() => tryLock(lock), {
    what: `${lock} (another run fetches Kafka)`,
    timeoutMs: DOWNLOAD_MS,
    everyMs: 100,
  });
  try {
    await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function tryLock(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    if (existsSync(lock) && !isAlive(Number(readFileSync(lock, 'utf8')))) rmSync(lock, { force: true });
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    // 0 is the moment between the holder's open and its write.
    return pid === 0 || process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Small heap, one compiler: a broker for tests starts in half the time and lives in 150 MB. */
export const JVM_FLAGS = [
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  '-Xshare:auto',
  '-XX:-UsePerfData',
  '-Djava.awt.headless=true',
  '-Djava.net.preferIPv4Stack=true',
  '-Xms64m',
  '-Xmx192m',
  '-Xss256k',
  '-XX:MaxDirectMemorySize=64m',
];

/** Runs a main class to its end; its standard output. */
export async function runJava(jars: KafkaJars, args: readonly string[]): Promise<string> {
  const options = { maxBuffer: 256 * 1024 * 1024, timeout: 60_000 };
  const { stdout } = await promisify(execFile)('java', [...JVM_FLAGS, '-cp', jars.classPath, ...args], options);
  return stdout;
}

/** Classes as the JVM likes to load them (JEP 350): a start in half the time. Written by the run that finds none. */
export function archiveOf({ folder }: KafkaJars): string {
  return join(folder, 'kafka.jsa');
}

function archiveFlags(jars: KafkaJars): string[] {
  const archive = archiveOf(jars);
  return [existsSync(archive) ? `-XX:SharedArchiveFile=${archive}` : `-XX:ArchiveClassesAtExit=${archive}.partial`];
}

/** Starts a main class that stays; it dies with this process even by kill -9, where setpriv is there. */
export function spawnJava(jars: KafkaJars, args: readonly string[], output: number): ChildProcess {
  const java = ['java', ...JVM_FLAGS, ...archiveFlags(jars), '-cp', jars.classPath, ...args];
  const [command = 'java', ...rest] = isOnPath('setpriv') ? ['setpriv', '--pdeathsig', 'KILL', ...java] : java;
  return spawn(command, rest, { stdio: ['ignore', output, output] });
}
