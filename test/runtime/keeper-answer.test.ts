/** What the keeper tells the path of a capture, and when: with a real spool on disk. */
import { join } from 'node:path';
import type { CaptureResult } from '../../src/exchange.ts';
import { loadConfig } from '../../src/runtime/config/load.ts';
import { KeeperSpool } from '../../src/runtime/keeper-spool.ts';
import { createKeeperLog } from '../../src/watch/log.ts';
import { Meter } from '../../src/watch/meter.ts';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';
import { waitFor } from '../helpers/wait.ts';
import { captureOf } from '../record/spool-fixtures.ts';

interface Answer {
  readonly id: string;
  readonly result: CaptureResult;
  /** Whether the spool had it when it was told. */
  readonly isThere: boolean;
}

function open(parts: { readonly size?: string; readonly capture?: object } = {}) {
  const text = JSON.stringify({
    apiVersion: 'outrider.dev/v1',
    spool: { path: join(temporaryFolder(), 'spool'), size: parts.size ?? '8Mi' },
    capture: parts.capture ?? {},
    targets: { t: 'http://127.0.0.1:1' },
    default: 't',
  });
  const { settings } = loadConfig({ path: '/test/outrider.yaml', env: {}, readFile: () => text, listDir: () => null });
  const answers: Answer[] = [];
  const keeper: KeeperSpool = new KeeperSpool({
    settings: () => settings,
    podName: 'pod',
    log: createKeeperLog({ level: 'silent' }),
    meter: new Meter(() => undefined),
    answer: (results) => {
      for (const [id, result] of results) {
        answers.push({ id, result, isThere: (keeper.spool?.get(id) ?? null) !== null });
      }
    },
    written: () => undefined,
    bodyFailed: () => undefined,
    opened: () => undefined,
    committed: () => undefined,
    usable: () => undefined,
  });
  keeper.open();
  cleanUp(() => keeper.close());
  return { keeper, answers };
}

test('each capture has one answer, when its record is there', async () => {
  const { keeper, answers } = open();
  const captures = [captureOf('one'), captureOf('two'), captureOf('three')];
  keeper.receive(captures);
  expect(answers).toEqual([]);
  await waitFor(() => answers.length > 0, { what: 'the answers' });
  const committed = { kind: 'committed', partial: false };
  expect(answers).toEqual(captures.map(({ id }) => ({ id, result: committed, isThere: true })));
});

test('what the spool has no room for is told as failed, with the reason, and the others as kept', async () => {
  const { keeper, answers } = open({ size: '2Mi' });
  const [small, large] = [captureOf('small'), captureOf('', { errorReason: 'x'.repeat(3_000_000) })];
  keeper.receive([small, large]);
  await waitFor(() => answers.length > 0, { what: 'the answers' });
  const told = answers.map(({ id, result, isThere }) => [id, result.kind, isThere]);
  expect(told).toEqual([
    [small.id, 'committed', true],
    [large.id, 'failed', false],
  ]);
  expect(answers[1]?.result).toMatchObject({ why: expect.stringContaining('full') });
});

test('with keepOriginal: false secrets are gone before anything is stored', async () => {
  const { keeper, answers } = open({ capture: { redact: { keepOriginal: false } } });
  const { head, ...capture } = captureOf('password=hunter2');
  const rawHeaders = ['Authorization', 'Bearer hunter2', 'Content-Type', 'application/x-www-form-urlencoded'];
  keeper.receive([{ ...capture, head: { ...head, rawHeaders, uri: '/?token=hunter2' } }]);
  await waitFor(() => answers.length > 0, { what: 'the answer' });
  const kept = keeper.spool?.get(capture.id) ?? null;
  if (kept === null || keeper.spool === null) throw new Error('the record is not there');
  const stored = JSON.stringify(kept.head) + Buffer.from(keeper.spool.readBody(kept)).toString();
  expect(stored).toContain('password=');
  expect(stored).not.toContain('hunter2');
});
