/**
 * What helpers started is stopped after the test that started it, the last first. `shared` things (started in a
 * `beforeAll`) are stopped after the file. Importing this at the top of a test file, directly or through a helper,
 * registers the hooks.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Stop = () => void | Promise<void>;

const ofTest: Stop[] = [];
const ofFile: Stop[] = [];

/** Stops are awaited; one that throws fails the test, after the others have run. */
export function cleanUp(stop: Stop, { shared = false } = {}): void {
  (shared ? ofFile : ofTest).push(stop);
}

/** A new empty folder, removed with the test. */
export function temporaryFolder({ shared = false } = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'outrider-test-'));
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
