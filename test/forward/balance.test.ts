import { Balancer, type Candidate } from '../../src/forward/balance.ts';
import { Health } from '../../src/forward/health.ts';
import { decideRetry, type FailedTry, isIdempotent, type RetryPolicy } from '../../src/forward/retry.ts';

interface Fake extends Candidate {
  readonly name: string;
}
const candidate = (name: string, parts: Partial<Candidate> = {}): Fake => ({
  name,
  weight: 1,
  inFlight: 0,
  healthy: true,
  ...parts,
});
const picks = (balancer: Balancer<Fake>, n: number): string =>
  Array.from({ length: n }, () => balancer.pick().name).join('');

describe('roundRobin', () => {
  test('takes turns', () => {
    expect(picks(new Balancer([candidate('a'), candidate('b'), candidate('c')], 'roundRobin'), 6)).toBe('abcabc');
  });

  test('gives each its weight, spread evenly, and none to a weight of 0', () => {
    const all = [candidate('a', { weight: 3 }), candidate('b'), candidate('c', { weight: 0 })];
    expect(picks(new Balancer(all, 'roundRobin'), 8)).toBe('aabaaaba');
  });

  test('passes over what is unhealthy, and tries all when nothing is healthy', () => {
    const sick = { healthy: false };
    expect(picks(new Balancer([candidate('a', sick), candidate('b')], 'roundRobin'), 3)).toBe('bbb');
    expect(picks(new Balancer([candidate('a', sick), candidate('b', sick)], 'roundRobin'), 4)).toBe('abab');
  });

  test('after a failure another is taken, the same only when there is no other', () => {
    const [a, b] = [candidate('a'), candidate('b', { healthy: false })];
    expect(new Balancer([a, b], 'roundRobin').pick(a)).toBe(b);
    expect(new Balancer([a], 'roundRobin').pick(a)).toBe(a);
  });
});

describe('leastRequest', () => {
  test('takes the one with the fewest requests for its weight', () => {
    const all = [
      candidate('a', { inFlight: 3 }),
      candidate('b', { inFlight: 4, weight: 2 }),
      candidate('c', { inFlight: 9 }),
    ];
    expect(new Balancer(all, 'leastRequest').pick().name).toBe('b');
  });

  test('spreads requests that come one after the other', () => {
    const balancer = new Balancer([candidate('a'), candidate('b')], 'leastRequest');
    expect(new Set(picks(balancer, 10))).toEqual(new Set(['a', 'b']));
  });
});

test('there is nothing to choose from without URLs', () => {
  expect(() => new Balancer([], 'roundRobin')).toThrow('at least one URL');
});

describe('health', () => {
  test('ends after so many failures in a row, comes back after its time, and ends at once when that was too early', () => {
    let now = 1000;
    const health = new Health(3, 10_000, () => now);
    health.failed();
    health.failed();
    health.succeeded();
    health.failed();
    health.failed();
    expect(health.healthy).toBe(true);
    health.failed();
    expect(health.healthy).toBe(false);
    now += 9999;
    expect(health.healthy).toBe(false);
    now += 1;
    expect(health.healthy).toBe(true);
    health.failed();
    expect(health.healthy).toBe(false);
    health.succeeded();
    expect(health.healthy).toBe(true);
    health.failed();
    expect(health.healthy).toBe(true);
  });
});

describe('retry', () => {
  const POLICY: RetryPolicy = { attempts: 3, when: ['connect', 'reset'], methods: [] };
  const decide = (parts: Partial<FailedTry>, policy: Partial<RetryPolicy> = {}) =>
    decideRetry(
      { ...POLICY, ...policy },
      { method: 'GET', reason: 'reset', requestSent: 'yes', tries: 1, stale: false, staleUsed: false, ...parts },
    );

  test.each(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])('%s may be sent again', (method) => {
    expect(isIdempotent(method)).toBe(true);
    expect(decide({ method })).toBe('next');
  });

  test.each(['POST', 'PATCH', 'LOCK', 'get', 'MKCOL'])('%s may not, unless the target can’t have seen it', (method) => {
    expect(isIdempotent(method)).toBe(false);
    expect(decide({ method })).toBe('no');
    expect(decide({ method, requestSent: 'partly' })).toBe('no');
    expect(decide({ method, requestSent: 'no', reason: 'connect' })).toBe('next');
    expect(decide({ method }, { methods: [method] })).toBe('next');
  });

  test('ends with the attempts and with reasons that are not listed', () => {
    expect(decide({ tries: 2 })).toBe('next');
    expect(decide({ tries: 3 })).toBe('no');
    expect(decide({ reason: 'timeout' })).toBe('no');
    expect(decide({}, { attempts: 1 })).toBe('no');
  });

  test('H14 a stale connection allows one more try of what is idempotent, whatever the policy', () => {
    const none = { attempts: 1, when: [] };
    expect(decide({ stale: true }, none)).toBe('stale');
    expect(decide({ stale: true, staleUsed: true }, none)).toBe('no');
    expect(decide({ stale: true, method: 'POST' }, { ...none, methods: ['POST'] })).toBe('no');
  });
});
