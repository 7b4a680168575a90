// What the tests use from Debian: installed when that is possible without asking, else named in one line.
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { outerPath, runQuietly, say } from './project.mjs';

/**
 * Command → package.
 *
 * @type {Readonly<Record<string, string>>}
 */
const TOOLS = {
  nginx: 'nginx',
  wrk: 'wrk',
  kcat: 'kcat',
  strace: 'strace',
  slowhttptest: 'slowhttptest',
  faketime: 'faketime',
  curl: 'curl',
  openssl: 'openssl',
  java: 'default-jre-headless',
  mvn: 'maven',
  promtool: 'prometheus',
};

/** invoke-rc.d asks it before it starts a service: installing nginx must not bind port 80. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d';

/** Never throws: a tool that can't be had makes the tests that need it say so. Returns the missing commands. */
export function ensureTools(tools = TOOLS, machine = thisMachine()) {
  const missing = () => Object.keys(tools).filter((command) => !machine.has(command));
  const before = missing();
  if (before.length === 0) return [];
  if (!machine.mayInstall) {
    say(`Not installed: ${before.join(', ')}; tests that need them are skipped (needs root and apt-get).`);
    return before;
  }
  say(`Installing from Debian (once): ${before.join(', ')} …`);
  const problem = machine.install(before.map((command) => tools[command]));
  const after = missing();
  if (after.length > 0) say(`Could not install ${after.join(', ')} (${problem}); tests that need them are skipped.`);
  return after;
}

function thisMachine() {
  const isRoot = process.getuid?.() === 0;
  return { has: isOnPath, mayInstall: isRoot && isOnPath('apt-get'), install: installPackages };
}

function isOnPath(command) {
  return [...outerPath().split(delimiter), '/usr/sbin', '/sbin'].some((folder) => isExecutable(join(folder, command)));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Package lists are only fetched when apt-get can't do without, and one package that can't be had keeps no other out.
 * Returns the last line of what went wrong, or ''.
 *
 * @param aptGet runs it with these arguments and returns {code, output}
 */
export function installPackages(packages, aptGet = runAptGet) {
  const install = (names) => aptGet(['install', '-y', '-qq', '--no-install-recommends', ...names]);
  if (install(packages).code === 0) return '';
  const update = aptGet(['update', '-qq', '--error-on=any']);
  const all = update.code === 0 ? install(packages) : update;
  if (all.code === 0) return '';
  const problems = packages.map((name) => install([name])).filter(({ code }) => code !== 0);
  return problems.length === 0 ? '' : (all.output.trim().split('\n').at(-1) ?? '');
}

/** Without a network it gives up in seconds. */
const PATIENCE = ['DPkg::Lock::Timeout=60', 'Acquire::Retries=0', 'Acquire::http::Timeout=10'];

function runAptGet(args) {
  const ownPolicy = !existsSync(SERVICE_POLICY);
  if (ownPolicy) writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const options = { env, timeout: 300_000, stdio: ['ignore', 'pipe', 'pipe'] };
    return runQuietly('apt-get', [...PATIENCE.flatMap((option) => ['-o', option]), ...args], options);
  } finally {
    if (ownPolicy) rmSync(SERVICE_POLICY, { force: true });
  }
}
