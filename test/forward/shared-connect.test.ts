/** A URL that refuses connections, and the many who want one at the same time. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { connect } from 'node:net';
import { type ConnectWaiter, SharedConnect } from '../../src/forward/shared-connect.ts';
import { cleanUp } from '../helpers/cleanup.ts';
import { answering, startTarget } from '../helpers/node-target.ts';
import { type PathOptions, startPath } from '../helpers/path.ts';
import { closedPort } from '../helpers/ports.ts';
import { sendRaw } from '../helpers/raw-client.ts';
import { waitFor } from '../helpers/wait.ts';

const failure = (code: string): Error => Object.assign(new Error(code), { code });
const REFUSED = failure('ECONNREFUSED');

class Waiter implements ConnectWaiter {
  readonly heard: string[] = [];
  refused(error: Error): void {
    this.heard.push(error.message);
  }
  goOn(): void {
    this.heard.push('goes on');
  }
}

/** Where the last connect was refused. */
function refusing(): SharedConnect {
  const connects = new SharedConnect();
  connects.begin()(REFUSED);
  return connects;
}

describe('a connect that is under way', () => {
  test('is shared only where the last one was refused', () => {
    const connects = new SharedConnect();
    const end = connects.begin();
    expect(connects.join(new Waiter())).toBe(false);
    end(null);
    connects.begin();
    expect(connects.join(new Waiter())).toBe(false);
  });

  test('refuses all who were there before its end, each once, and nobody who comes later', () => {
    const connects = refusing();
    expect(connects.join(new Waiter())).toBe(false);
    const end = connects.begin();
    const waiters = [new Waiter(), new Waiter()];
    for (const waiter of waiters) expect(connects.join(waiter)).toBe(true);
    end(REFUSED);
    expect(connects.join(new Waiter())).toBe(false);
    expect(waiters.map(({ heard }) => heard)).toEqual([['ECONNREFUSED'], ['ECONNREFUSED']]);
  });

  test.each([
    ['a connection', null],
    ['a time that is over', failure('ETIMEDOUT')],
    ['a missing route', failure('EHOSTUNREACH')],
    ['a refusal of one of two addresses', Object.assign(new AggregateError([REFUSED, failure('ETIMEDOUT')]), REFUSED)],
  ])('lets each go on by itself after %s', (_, error) => {
    const connects = refusing();
    const end = connects.begin();
    const waiter = new Waiter();
    connects.join(waiter);
    end(error);
    expect(waiter.heard).toEqual(['goes on']);
    connects.begin();
    expect(connects.join(new Waiter())).toBe(false);
  });

  test('is waited for only for a moment, and what it brings later is nobody else’s', async () => {
    const connects = refusing();
    const end = connects.begin();
    const waiter = new Waiter();
    connects.join(waiter);
    await waitFor(() => waiter.heard.length > 0, { what: 'the end of the wait' });
    expect(connects.join(new Waiter())).toBe(false);
    end(REFUSED);
    expect(waiter.heard).toEqual(['goes on']);
  });

  test('refuses where every address did', () => {
    const connects = refusing();
    const end = connects.begin();
    const waiter = new Waiter();
    connects.join(waiter);
    end(Object.assign(new AggregateError([REFUSED, REFUSED], 'both'), { code: 'ECONNREFUSED' }));
    expect(waiter.heard).toEqual(['both']);
  });
});

describe('a target that is down', () => {
  const POST = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello';
  const BURST = 20;

  async function startDown(keys: object = {}, options: Partial<PathOptions> = {}) {
    const port = await closedPort();
    const urls = [{ url: `http://127.0.0.1:${port}` }];
    return { port, path: await startPath({ ...options, routes: { targets: { prod: { urls, ...keys } } } }) };
  }

  const burst = (port: number) =>
    Promise.all(Array.from({ length: BURST }, () => sendRaw(port, POST, { responses: 1 })));

  /** Connects that undici saw fail. */
  function countRefusals(): () => number {
    let count = 0;
    const onError = (): void => void count++;
    subscribe('undici:client:connectError', onError);
    cleanUp(() => void unsubscribe('undici:client:connectError', onError));
    return () => count;
  }

  test('is asked less often than there are requests, and each of them is its own failure and record', async () => {
    const { path } = await startDown();
    const connects = countRefusals();
    let sent = 0;
    // How many meet in one turn of the loop is the machine's to say.
    for (let round = 0; round < 50 && connects() === sent; round++) {
      const answers = await burst(path.port);
      sent += BURST;
      for (const { responses } of answers) expect(responses[0]?.status).toBe(502);
    }
    expect(connects()).toBeLessThan(sent);
    expect(new Set(path.captures.map(({ id }) => id)).size).toBe(sent);
    for (const { reason, requestSent, errorReason, attempts } of path.captures) {
      expect({ reason, requestSent, errorReason }).toEqual({
        reason: 'connect',
        requestSent: 'no',
        errorReason: 'the target refused the connection (ECONNREFUSED)',
      });
      expect(attempts).toHaveLength(1);
    }
    expect(path.metric('outrider_failures_total', { reason: 'connect' })).toBe(sent);
  });

  test('gets every request as soon as it is up again', async () => {
    const { path, port } = await startDown();
    for (let round = 0; round < 3; round++) await burst(path.port);
    const target = await startTarget(answering(200, 'up'), { port });
    const answers = await burst(path.port);
    expect(answers.map(({ responses }) => responses[0]?.status)).toEqual(Array(BURST).fill(200));
    expect(target.requests).toHaveLength(BURST);
  });

  // The next attempt used to begin inside the failure of the one before, which undici does not bear.
  test('is tried as often as the rule says, whoever made the connect', async () => {
    const { path } = await startDown({ retry: { attempts: 3, when: ['connect'] } });
    for (let round = 0; round < 3; round++) await burst(path.port);
    expect(path.captures).toHaveLength(3 * BURST);
    for (const { attempts } of path.captures) expect(attempts).toHaveLength(3);
  });

  test('leaves nothing behind of a caller who goes away while it waits', async () => {
    const { path } = await startDown();
    await burst(path.port);
    const leaving = Array.from({ length: BURST }, () => {
      const socket = connect(path.port, '127.0.0.1').on('error', () => undefined);
      return new Promise<void>((resolve) => socket.write(POST, () => resolve(void socket.resetAndDestroy())));
    });
    await Promise.all([burst(path.port), ...leaving]);
    await path.rest();
  });
});
