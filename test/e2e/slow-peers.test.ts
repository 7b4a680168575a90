/**
 * The three slow attacks of slowhttptest, while a canary goes on singing: all at once, or in the full run one after the
 * other, a thousand connections for a minute each.
 */

import { type Child, startChild } from '../helpers/child.ts';
import { cleanUp } from '../helpers/cleanup.ts';
import { startTarget, type Target } from '../helpers/node-target.ts';
import { type Outrider, startOutrider } from '../helpers/outrider.ts';
import { anonymousMemory } from '../helpers/process-facts.ts';
import { testWithTool } from '../helpers/tools.ts';
import { waitFor } from '../helpers/wait.ts';
import { type Canary, expectAlive, startCanary } from './canary.ts';

const FULL = process.env.OUTRIDER_TEST_FULL === '1';
const CONNECTIONS = FULL ? 1000 : 100;
const SECONDS = FULL ? 60 : 4;
const CONTROL_MS = FULL ? 10_000 : 1000;
/** As shipped in the full run; else short enough to be seen to end. */
const LIMITS = FULL ? {} : { headTimeout: '1s', bodyIdle: '1s', writeIdle: '1s' };
/** `-i`: seconds between two pieces. */
const EVERY = FULL ? '10' : '5';
const DEFAULT_MAX = 256;
const TIMEOUT_MS = FULL ? 300_000 : 60_000;
const MIB = 1024 * 1024;
const LARGE = Buffer.alloc(10 * MIB, 'x');

interface Stage {
  readonly outrider: Outrider;
  readonly canary: Canary;
  readonly victim: Target;
  /** The most that memory grew by. */
  grown(): number;
}

/** A target for the canary and one for the attack. */
async function startStage(max: number): Promise<Stage> {
  const canary = await startCanary();
  const victim = await startTarget(
    (_, response, request) => {
      request.resume();
      if (request.method === 'GET') response.end(LARGE);
      else request.on('end', () => response.end('done'));
    },
    { early: true },
  );
  const outrider = await startOutrider({
    outrider: { limits: LIMITS, log: { access: 'none' } },
    routes: {
      targets: { quick: canary.url, victim: { urls: [{ url: victim.url }], connections: { max } } },
      rules: [{ name: 'canary', match: { paths: ['/canary'] }, target: 'quick' }],
      default: 'victim',
    },
    settleMs: 30_000,
  });
  const before = anonymousMemory(outrider.pid);
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, anonymousMemory(outrider.pid));
  }, 50);
  cleanUp(() => clearInterval(watch));
  canary.sing(outrider.port, '/canary');
  return { outrider, victim, canary, grown: () => most - before };
}

function attack(outrider: Outrider, more: readonly string[]): Child {
  const size = ['-c', String(CONNECTIONS), '-r', String(CONNECTIONS), '-l', String(SECONDS), '-i', EVERY];
  const args = [...more, ...size, '-p', '3', '-u', `${outrider.url}/attack`];
  const child = startChild('slowhttptest', args, { env: process.env });
  cleanUp(async () => {
    child.process.kill('SIGKILL');
    await child.exited;
  });
  return child;
}

interface Attack {
  readonly what: string;
  /** Of slowhttptest. */
  readonly args: readonly string[];
  /** `connections.max` of its target. */
  readonly max: number;
  /** After it, or while it still goes on. */
  readonly check: (stage: Stage) => Promise<void>;
}

const heads: Attack = {
  what: `L04 ${CONNECTIONS} callers whose heads come line by line are answered 408`,
  args: ['-H', '-x', '24'],
  max: DEFAULT_MAX,
  check: async ({ outrider }) => {
    const refused = async (): Promise<number> =>
      (await outrider.metrics()).value('outrider_rejected_total', { reason: 'headTimeout' });
    await waitFor(async () => (await refused()) >= CONNECTIONS, { what: '408 for each', timeoutMs: 30_000 });
  },
};

const bodies: Attack = {
  what: `L05 ${CONNECTIONS} whose bodies come byte by byte are given up, and none is a failure of the target`,
  args: ['-B', '-s', '1000000', '-x', '10'],
  max: CONNECTIONS * 2,
  check: async ({ outrider, victim }) => {
    await expectNothingInFlight(outrider);
    const metrics = await outrider.metrics();
    expect(metrics.value('outrider_failures_total')).toBe(0);
    expect(metrics.value('outrider_captures_total')).toBe(0);
    // Beside whole ones of the tool's own, by which it looks whether the server still answers.
    const slow = victim.requests.filter(({ method }) => method === 'POST');
    expect(slow.length).toBeGreaterThan(0);
    await waitFor(() => slow.every(({ complete, aborted }) => !complete && aborted), {
      what: 'the end of each at the target',
    });
  },
};

const readers: Attack = {
  what: `L06 ${CONNECTIONS} that read 10 MiB by the byte are cut, and hold little memory`,
  args: ['-X', '-w', '512', '-y', '1024', '-n', EVERY, '-z', '32', '-k', '1'],
  // More than these do not read at a time; those behind them are told that the target is overloaded.
  max: DEFAULT_MAX,
  check: async ({ outrider, grown }) => {
    const each = grown() / CONNECTIONS;
    process.stderr.write(`slow readers: ${(each / 1024).toFixed(0)} KiB each\n`);
    expect(each).toBeLessThan(MIB);
    await expectNothingInFlight(outrider);
    const metrics = await outrider.metrics();
    // Neither those that found no room, nor those that left: whoever reads slowly may give up by itself.
    const ofCallers = ['overload', 'clientAbort'].map((reason) => metrics.value('outrider_failures_total', { reason }));
    expect(metrics.value('outrider_failures_total') - ofCallers.reduce((sum, count) => sum + count)).toBe(0);
  },
};

/** But for the canary. */
function expectNothingInFlight(outrider: Outrider): Promise<unknown> {
  return waitFor(async () => (await outrider.metrics()).value('outrider_requests_in_flight') <= 1, {
    what: 'the end of all of them',
    timeoutMs: 60_000,
  });
}

const ALL = [heads, bodies, readers];
const TOGETHER = [{ what: ALL.map(({ what }) => what).join('; '), attacks: ALL }];
const EACH = ALL.map((one) => ({ what: one.what, attacks: [one] }));

for (const { what, attacks } of FULL ? EACH : TOGETHER) {
  testWithTool(
    'slowhttptest',
    `${what}; nobody else waits`,
    async () => {
      const stage = await startStage(Math.max(...attacks.map(({ max }) => max)));
      const { outrider, canary } = stage;
      const control = await canary.listen(CONTROL_MS);
      await Promise.all(attacks.map(({ args }) => attack(outrider, args).exited));
      expectAlive(canary, control, await canary.take(), what);
      for (const { check } of attacks) await check(stage);
    },
    TIMEOUT_MS,
  );
}
