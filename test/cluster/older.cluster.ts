import { startChild } from '../helpers/child.ts';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';
import { waitFor } from '../helpers/wait.ts';
import { attempt, containerOf, LONG_MS, Namespace, type Pod } from './cluster.ts';
import { residentOf } from './resident.ts';
import { writeLoadScript } from './wrk.ts';

const SIDECAR = 'sidecar-http-dispatcher';
/** 10 minutes by `OUTRIDER_TEST_FULL=1`. */
const SECONDS = process.env.OUTRIDER_TEST_FULL === '1' ? 600 : 60;

describe('the manifests of the older dispatcher, with only the image swapped', () => {
  let namespace: Namespace;
  let url: string;
  beforeAll(async () => {
    namespace = await Namespace.create('older', 'privileged');
    namespace.apply('older.yaml');
    await namespace.rolledOut('deployment/acme-enricher', 'deployment/destination-app');
    url = `http://${await namespace.clusterIp('acme-enricher')}/`;
    await untilAnswered();
  }, LONG_MS);

  /** With a tenth of a core it takes some seconds to start; nginx answers 502 by itself until then. */
  const untilAnswered = () =>
    waitFor(async () => (await fetch(url, { headers: { environment: 'qa' } })).ok, {
      what: 'Outrider',
      timeoutMs: 60_000,
    });

  const pod = (): Promise<Pod> => namespace.pod('app=acme-enricher');

  test('its acceptance test passes: qa reaches destination-app, patched, and booleans are sent as they were', async () => {
    const { code, stdout } = await attempt('curl', ['-sS', '-i', '-m', '5', '-H', 'environment: qa', '--fail', url]);
    expect(stdout).toMatch(/^destination_app: ok\r$/m);
    expect(stdout).toMatch(/host=example.com host1a=qa dispatched=True enriched=true forwarded=.+/);
    expect(code).toBe(0);
  });

  test('what reaches no destination is kept, and kubectl exec shows it', async () => {
    const failed = await fetch(url, { method: 'POST', body: 'order=7' });
    expect(failed.status).toBe(502);
    const id = failed.headers.get('outrider-record') ?? 'none';
    const { metadata } = await pod();
    expect(await namespace.kubectl('exec', metadata.name, '-c', SIDECAR, '--', 'outrider', 'records')).toContain(id);
  });

  test(
    `64Mi and 0.1 CPU hold ${SECONDS} s of 200 connections with 64 KiB bodies, target and Kafka down, and then records`,
    async () => {
      await namespace.kubectl(
        'set',
        'env',
        'deployment/acme-enricher',
        '-c',
        SIDECAR,
        'KAFKA_BROKERS=kafka.invalid:9092',
      );
      await namespace.rolledOut('deployment/acme-enricher');
      await untilAnswered();
      const before = await waitFor(pod, { what: 'one pod', timeoutMs: 60_000 });
      const { containerID } = containerOf(before, SIDECAR);
      const script = writeLoadScript(temporaryFolder(), 65_536);
      const load = startChild('wrk', ['-t1', '-c200', `-d${SECONDS}s`, '--timeout', '30s', '-s', script, url], {
        env: process.env,
      });
      cleanUp(() => void load.process.kill('SIGKILL'));
      let most = 0;
      while (load.exit === null) {
        most = Math.max(most, residentOf(containerID));
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
      process.stderr.write(
        `${[...load.stdout, ...load.stderr].join('\n')}\nRssAnon at most ${most} KiB, at the end ${residentOf(containerID)}\n`,
      );
      const exec = ['-n', namespace.name, 'exec', before.metadata.name, '-c', SIDECAR, '--', 'outrider', 'records'];
      // Right after the load there may be no room yet for a second process: what the kernel ends then is that one.
      const records = await waitFor(
        async () => {
          const { code, stdout } = await attempt('kubectl', exec);
          return code === 0 ? stdout : null;
        },
        { what: 'records', timeoutMs: 60_000, everyMs: 2000 },
      );
      const after = containerOf(await pod(), SIDECAR);
      expect([after.restartCount, after.containerID, after.lastState]).toEqual([0, containerID, {}]);
      expect(records).toContain('held');
      expect(most).toBeGreaterThan(0);
    },
    SECONDS * 1000 + LONG_MS,
  );
});
