/** A disk that takes two seconds for each fsync, and one that hangs. */
import { startOutrider } from '../helpers/outrider.ts';
import { anonymousMemory } from '../helpers/process-facts.ts';
import { injectIntoKeeper, testWithStrace } from '../helpers/strace.ts';
import { waitFor } from '../helpers/wait.ts';
import { expectDegraded, expectHealed, routesWithOneDown, startTraffic } from './live.ts';
import { runLoad } from './load.ts';

const MEBIBYTE = 1024 * 1024;

/** The kubelet waits a second: a pod must not be restarted because its disk is slow. */
async function expectProbed(url: string): Promise<void> {
  for (let n = 0; n < 30; n += 1) {
    for (const path of ['/livez', '/readyz', '/startupz']) {
      const began = performance.now();
      const { status } = await fetch(url + path);
      expect([path, status]).toEqual([path, 200]);
      expect(performance.now() - began).toBeLessThan(1000);
    }
  }
  const told: string[] = [];
  const isTold = async (): Promise<boolean> => {
    told.push(await (await fetch(`${url}/readyz?verbose`)).text());
    return told.some((text) => text.includes('[-]degraded: keeper: the keeper thread has not answered'));
  };
  await waitFor(isTold, { what: 'the keeper to be told as silent', timeoutMs: 20_000 });
}

testWithStrace(
  'with an fsync of two seconds live traffic is as fast as before, failures are answered after capture.wait, probes at once, and what was pending is kept',
  async () => {
    const traffic = await startTraffic({ outrider: { capture: { wait: '200ms' } } });
    const { outrider, failing } = traffic;
    const faults = await injectIntoKeeper(outrider.pid, 'fsync,fdatasync:delay_enter=2000000');
    await expectDegraded(traffic, 'pending');
    await expectProbed(outrider.metricsUrl);
    const pending = failing.count('pending');
    await faults.end();
    await expectHealed(traffic);
    // Answered without an id, for nobody knew yet; kept all the same.
    expect((await outrider.records()).length).toBeGreaterThanOrEqual(failing.ids.length + pending);
    expect(failing.count('failed')).toBe(0);
  },
  120_000,
);

testWithStrace(
  'while the disk hangs, what waits for it is bounded by capture.memory; failures beyond that are answered at once as failed, and counted',
  async () => {
    const outrider = await startOutrider({
      outrider: { capture: { wait: '300ms', memory: '4Mi' }, log: { access: 'none' } },
      routes: await routesWithOneDown(),
      checkLeaks: false,
    });
    const said = new Map<string, number>();
    const fail = (many: number): Promise<void> => {
      const body = Buffer.alloc(30_000, 'x');
      const head = `POST /down HTTP/1.1\r\nHost: app\r\nContent-Length: ${body.length}\r\n\r\n`;
      const request = Buffer.concat([Buffer.from(head), body]);
      const answered = (_: number, { header }: { header(name: string): string | undefined }): void => {
        const word = header('outrider-capture') ?? 'committed';
        said.set(word, (said.get(word) ?? 0) + 1);
      };
      return runLoad({ port: outrider.port, connections: 8, request: (n) => (n < many ? request : null), answered });
    };
    await fail(200);
    said.clear();
    const before = anonymousMemory(outrider.pid);
    const faults = await injectIntoKeeper(outrider.pid, 'fsync,fdatasync:delay_enter=6000000');
    await fail(2000);
    // 60 MB went by.
    const grown = anonymousMemory(outrider.pid) - before;
    const [committed = 0, pending = 0, failed = 0] = ['committed', 'pending', 'failed'].map((word) => said.get(word));
    process.stderr.write(
      `hanging disk: ${pending} pending, ${failed} failed, ${(grown / MEBIBYTE).toFixed(1)} MiB more\n`,
    );
    expect(committed).toBe(0);
    expect(pending).toBeGreaterThan(20);
    expect(pending * 30_000).toBeLessThan(9 * MEBIBYTE);
    expect(failed).toBe(2000 - pending);
    expect(grown).toBeLessThan(40 * MEBIBYTE);
    await faults.end();
    expect((await outrider.metrics()).value('captures_total', { result: 'failed' })).toBe(failed);
    const kept = async (): Promise<boolean> => (await outrider.records()).length === 200 + pending;
    await waitFor(kept, { what: 'what was pending', timeoutMs: 60_000 });
  },
  120_000,
);
