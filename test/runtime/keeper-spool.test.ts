/** The keeper's hold on the spool, with a real one on disk. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../src/runtime/config/load.ts';
import { KeeperSpool } from '../../src/runtime/keeper-spool.ts';
import { createKeeperLog } from '../../src/watch/log.ts';
import { Meter } from '../../src/watch/meter.ts';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';

interface Opened {
  readonly keeper: KeeperSpool;
  /** Numbers of the files that were told as failed. */
  readonly failed: readonly number[];
  /** Bytes that were told as written. */
  written(): number;
  /** Body files in the spool's folder. */
  files(): string[];
}

function open(size: string): Opened {
  const folder = temporaryFolder();
  const text = JSON.stringify({
    apiVersion: 'outrider.dev/v1',
    spool: { path: folder, size },
    targets: { t: 'http://127.0.0.1:1' },
    default: 't',
  });
  const { settings } = loadConfig({ path: '/test/outrider.yaml', env: {}, readFile: () => text, listDir: () => null });
  const failed: number[] = [];
  let bytes = 0;
  const keeper = new KeeperSpool({
    settings: () => settings,
    podName: 'pod',
    log: createKeeperLog({ level: 'silent' }),
    meter: new Meter(() => undefined),
    answer: () => undefined,
    written: (more) => {
      bytes += more;
    },
    bodyFailed: (file) => failed.push(file),
    opened: () => undefined,
    committed: () => undefined,
    usable: () => undefined,
  });
  keeper.open();
  cleanUp(() => keeper.close());
  const isBody = (name: string): boolean => /^[0-9a-f]{32}$/.test(name);
  const files = (): string[] =>
    readdirSync(join(folder), { recursive: true, encoding: 'utf8' }).filter((path) =>
      isBody(path.split('/').at(-1) ?? ''),
    );
  return { keeper, failed, written: () => bytes, files };
}

const PIECE = new Uint8Array(512 * 1024);

test('what was on its way when a copy was given up leaves no file behind, and still counts as written', () => {
  const { keeper, failed, written, files } = open('8Mi');
  for (let piece = 0; piece < 12; piece += 1) for (const file of [1, 2]) keeper.body(file, PIECE);
  expect(failed).toHaveLength(2);
  expect(files()).toEqual([]);
  expect(written()).toBe(24 * PIECE.length);
});

test('the room of a copy that was given up is there for the next one', () => {
  const { keeper, failed, files } = open('8Mi');
  for (let piece = 0; piece < 12; piece += 1) keeper.body(1, PIECE);
  for (let piece = 0; piece < 4; piece += 1) keeper.body(2, PIECE);
  expect(failed).toEqual([1]);
  expect(files()).toHaveLength(1);
});

test('a file of which the beginning was dropped is not begun anew', () => {
  const { keeper, files } = open('8Mi');
  keeper.body(1, PIECE);
  keeper.dropBody(1);
  keeper.body(1, PIECE);
  expect(files()).toEqual([]);
});
