// npm run walkthrough: runs exactly the commands of example/walkthrough/README.md in the current kubeconfig's cluster,
// and checks what they print.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { outerPath, root, runQuietly, say } from './project.mjs';
import { CLEAN_UP, CLUSTERS, readSteps, StepOutput, scriptOf } from './walkthrough/steps.ts';

const README = 'example/walkthrough/README.md';
/** For one step: those that wait for something would do it forever. */
const LIMIT_MS = 4 * 60_000;
const USAGE = `npm run walkthrough -- --cluster ${CLUSTERS.join('|')} [options]

  --cluster KIND  how images are loaded: the rest is the same on each
  --no-images     they were made and loaded before
  --keep          leave everything as it is after a failure
`;

/** The person's own tools, at the top of the project. */
const shell = { cwd: root, env: { ...process.env, PATH: outerPath() } };
const options = {
  cluster: { type: 'string' },
  images: { type: 'boolean', default: true },
  keep: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};

try {
  const { values } = parseArgs({ args: process.argv.slice(2), options, allowNegative: true });
  if (values.help) say(USAGE);
  else process.exitCode = await walk(values);
} catch (error) {
  say(error.message);
  if (error instanceof TypeError) say(USAGE);
  process.exitCode = error instanceof TypeError ? 64 : 1;
}

async function walk({ cluster = '', images, keep }) {
  if (images && !CLUSTERS.includes(cluster)) {
    throw new TypeError(`--cluster ${cluster || 'is missing'}: want one of ${CLUSTERS.join(', ')}, or --no-images`);
  }
  checkMachine();
  const all = readSteps(readFileSync(join(root, README), 'utf8'), { cluster, images });
  const beganAt = performance.now();
  const failures = await runSteps(all);
  if (failures > 0 && !keep) cleanUp(all);
  say(`${all.length} steps, ${failures} failed, ${seconds(performance.now() - beganAt)}`);
  return failures > 0 ? 1 : 0;
}

/** Before anything is made, so that a failure later never removes what somebody else has. */
function checkMachine() {
  for (const tool of ['kubectl', 'helm', 'curl']) {
    if (runQuietly('sh', ['-c', `command -v ${tool}`], shell).code !== 0) throw new Error(`${tool} is not on the PATH`);
  }
  const nodes = runQuietly('kubectl', ['get', 'nodes', '--request-timeout=10s'], shell);
  if (nodes.code !== 0) throw new Error(`kubectl reaches no cluster: ${nodes.output.trim().split('\n').at(-1)}`);
  if (hasNamespace()) {
    throw new Error('there is a namespace walkthrough: kubectl delete namespace walkthrough');
  }
}

function hasNamespace() {
  return runQuietly('kubectl', ['get', 'namespace', 'walkthrough'], shell).code === 0;
}

/** In one shell. Resolves to the number of steps that failed, or did not print what the README shows. */
function runSteps(steps) {
  let failures = 0;
  const output = new StepOutput(steps, ({ step, printed, ms, missing }) => {
    timer.refresh();
    say(`${missing.length === 0 ? 'ok  ' : 'FAIL'} ${README}:${step.line} ${step.section}, ${seconds(ms)}`);
    if (missing.length === 0) return;
    failures += 1;
    say(`missing:\n${missing.join('\n')}\nprinted:\n${printed}`);
  });
  const child = spawn('bash', ['--norc', '-c', scriptOf(steps)], { ...shell, stdio: ['ignore', 'pipe', 'inherit'] });
  const timer = setTimeout(() => child.kill(), LIMIT_MS);
  child.stdout.setEncoding('utf8').on('data', (text) => output.push(text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const { current, printed } = output;
      if (current === undefined) return resolve(failures);
      say(
        `FAIL ${README}:${current.line} ${current.section}, ended with ${signal ?? code}\n${current.command}\n${printed}`,
      );
      resolve(failures + 1);
    });
  });
}

/** Whatever of it is there. */
function cleanUp(steps) {
  if (!hasNamespace()) return;
  for (const { command } of steps.filter(({ section }) => section === CLEAN_UP)) {
    say(runQuietly('bash', ['--norc', '-c', command], shell).output.trim());
  }
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}
