/**
 * What helpers started is stopped after the test that started it, the last first. `shared` things (started in a
 * `beforeAll`) are stopped after the file. Importing this at the top of a test file, directly or through a helper,
 * registers the hooks.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Stop = () => void | Promise<void>;

const ofTest: Stop[] = [];
const ofFile: Stop[] = [];

/** Stops are awaited; one that throws fails the test, after the others have run. */
export function cleanUp(stop: Stop, { shared = false } = {}): void {
  (shared ? ofFile : ofTest).push(stop);
}

/** Where files cost no fsync, on Linux. */
const MEMORY = '/dev/shm';

/** A new empty folder, removed with the test. `inMemory`: for tests that open a spool a thousand times. */
export function temporaryFolder({ shared = false, inMemory = false } = {}): string {
  const parent = inMemory && existsSync(MEMORY) ? MEMORY : tmpdir();
  const folder = mkdtempSync(join(parent, 'outrider-test-'));
  cleanUp(() => rmSync(folder, { recursive: true, force: true }), { shared });
  return folder;
}

async function runAll(stops: Stop[]): Promise<void> {
  const errors: unknown[] = [];
  for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) {
    try {
      await stop();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, errors.map(String).join('\n'));
}

afterEach(() => runAll(ofTest), 60_000);
afterAll(() => runAll(ofFile), 60_000);
