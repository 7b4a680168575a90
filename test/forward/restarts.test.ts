/** A target that is stopped and started again and again under load. */
import { setTimeout as pause } from 'node:timers/promises';
import { runLoad } from '../e2e/load.ts';
import { startTarget, type Target } from '../helpers/node-target.ts';
import { startPath } from '../helpers/path.ts';
import { openDescriptors } from '../helpers/process-facts.ts';
import { waitFor } from '../helpers/wait.ts';

const FULL = process.env.OUTRIDER_TEST_FULL === '1';
const [RESTARTS, EVERY_MS] = FULL ? [120, 5000] : [10, 200];
const CALLERS = 20;
/** Of one caller, so that all together send a thousand a second. */
const PAUSE_MS = 20;

test(
  `U14 ${RESTARTS} restarts of a target under load: what it did not answer is kept, nothing arrives twice, nothing stays open`,
  async () => {
    const targets: Target[] = [];
    const start = async (port = 0): Promise<Target> => {
      const target = await startTarget((_, response) => void response.end('ok'), { port });
      targets.push(target);
      return target;
    };
    const sockets = (): number => openDescriptors(process.pid).filter((link) => link.startsWith('socket:')).length;
    const socketsBefore = sockets();
    let current = await start();
    const keys = { urls: [{ url: current.url }], circuitBreaker: { failures: 1_000_000 } };
    const path = await startPath({ process: { log: { access: 'none' } }, routes: { targets: { prod: keys } } });

    let running = true;
    let answered = 0;
    const failed: string[] = [];
    const load = runLoad({
      port: path.port,
      connections: CALLERS,
      request: (n) => (running ? `POST /${n} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody` : null),
      answered: (n, { status, header }) => {
        answered += 1;
        if (status === 200) return;
        expect(header('outrider-record')).toBeDefined();
        failed.push(`/${n}`);
      },
      broken: (n) => void failed.push(`/${n}`),
    });
    for (let i = 0; i < RESTARTS; i++) {
      await pause(EVERY_MS);
      const { port } = current;
      await current.stop();
      await pause(PAUSE_MS);
      current = await start(port);
    }
    running = false;
    await load;
    await path.rest();

    const arrived = targets.flatMap(({ requests }) => requests.map(({ uri }) => uri));
    expect(arrived.length).toBe(new Set(arrived).size);
    expect(path.captures.map(({ head }) => head.uri).toSorted()).toEqual(failed.toSorted());
    expect(failed.length).toBeGreaterThan(0);
    expect(answered).toBeGreaterThan(1000);
    await current.stop();
    await path.stop();
    await waitFor(() => sockets() <= socketsBefore, { what: 'every socket to be closed' });
  },
  FULL ? 900_000 : 60_000,
);
