/** A keeper as small as can be: renders the memory that it was given when it is asked. */
import { parentPort, workerData } from 'node:worker_threads';
import type { SeriesDefinition } from '../../src/watch/meter.ts';
import { createRegistry } from '../../src/watch/metrics.ts';
import { sourcesAtRest } from './sources.ts';

const { memory, definitions }: { memory: SharedArrayBuffer; definitions: SeriesDefinition[] } = workerData;
const registry = createRegistry({ memory, definitions, sources: sourcesAtRest() });
parentPort?.on('message', async (message: SeriesDefinition | 'scrape' | 'crash') => {
  if (message === 'crash') throw new Error('the keeper crashed');
  if (message !== 'scrape') definitions.push(message);
  else parentPort?.postMessage({ text: await registry.exposition() });
});
