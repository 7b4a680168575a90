/** Sources with everything at rest; a test overrides what it is about. */
import { STATES } from '../../src/watch/labels.ts';
import type { Sources, SpoolStats } from '../../src/watch/sources.ts';

export function spoolStats(over: Partial<SpoolStats> = {}): SpoolStats {
  const records = {
    pending: 0,
    delivering: 0,
    waiting: 0,
    delivered: 0,
    dead: 0,
    held: 0,
    handedOver: 0,
    purged: 0,
    lost: 0,
    quarantined: 0,
    ...over.records,
  };
  return {
    captured: STATES.reduce((sum, state) => sum + records[state], 0),
    lost: { rate: 0, maxAge: 0, dropOldest: 0 },
    mirrorWaiting: 0,
    oldestWaitingAgeSeconds: 0,
    oldestUnreleasedAgeSeconds: 0,
    bytes: 4096,
    limitBytes: 268_435_456,
    ...over,
    records,
  };
}

export function sourcesAtRest(over: Partial<Sources> = {}): Sources {
  return {
    spool: () => spoolStats(),
    mirror: () => ({ up: true, mirrored: 0, parked: 0, failed: 0, lastError: '' }),
    config: () => ({
      hash: '0123456789abcdef',
      source: '/etc/outrider',
      lastReloadSuccessful: true,
      lastSuccessAt: 1_697_812_345,
      stale: false,
    }),
    volume: () => ({ kind: 'ext4', warning: '' }),
    build: () => ({ version: '0.1.0', node: 'v26.0.0' }),
    problems: () => [],
    ...over,
  };
}
