/** A fake of the keeper thread: keeps captures and bodies in memory, and can be slow, broken or silent. */
import type { Capture, CaptureResult } from '../../src/exchange.ts';
import { unpackCaptures } from '../../src/runtime/capture-pack.ts';
import type { KeeperClient, KeeperThread } from '../../src/runtime/keeper-client.ts';
import type { FromKeeper, ToKeeper } from '../../src/runtime/keeper-protocol.ts';

export class FakeKeeper implements KeeperThread {
  /** Captures in the order they came, whatever became of them. */
  readonly captures: Capture[] = [];
  /** Ids that were answered `committed`. */
  readonly committed: string[] = [];
  /** Bytes of each body file. */
  readonly files = new Map<number, Buffer>();
  readonly dropped: number[] = [];
  /** What a commit is answered: `silent` never is. */
  answer: 'commit' | 'fail' | 'silent' = 'commit';
  commitDelayMs = 0;
  /** false: bytes of bodies are taken but not written until `writeAll`. */
  writes = true;
  private readonly client: KeeperClient;
  private unwritten = 0;

  constructor(client: KeeperClient) {
    this.client = client;
  }

  post(message: ToKeeper): void {
    // What crosses to a thread is cloned: an object that can't be, or that is changed afterwards, shows here.
    const cloned = structuredClone(message);
    if (cloned.type === 'captures') this.commit(unpackCaptures(cloned.captures));
    else if (cloned.type === 'body') this.write(cloned.file, cloned.chunk);
    else if (cloned.type === 'dropBody') this.drop(cloned.file);
  }

  /** The disk has caught up. */
  writeAll(): void {
    const bytes = this.unwritten;
    this.unwritten = 0;
    this.client.receive({ type: 'written', bytes });
  }

  /** The disk refuses this file. */
  breakFile(file: number): void {
    this.client.receive({ type: 'bodyFailed', file, why: 'no space left on device (ENOSPC)' });
  }

  private commit(captures: readonly Capture[]): void {
    this.captures.push(...captures);
    if (this.answer === 'silent') return;
    const results = captures.map((capture) => [capture.id, this.resultOf(capture)] as const);
    setTimeout(() => this.send({ type: 'results', results }), this.commitDelayMs);
  }

  private resultOf({ id, body }: Capture): CaptureResult {
    if (this.answer === 'fail') return { kind: 'failed', why: 'the spool is full' };
    this.committed.push(id);
    return { kind: 'committed', partial: body.truncated };
  }

  private write(file: number, chunk: Uint8Array): void {
    this.files.set(file, Buffer.concat([this.files.get(file) ?? Buffer.alloc(0), chunk]));
    this.unwritten += chunk.length;
    if (this.writes) setImmediate(() => this.writeAll());
  }

  private drop(file: number): void {
    this.files.delete(file);
    this.dropped.push(file);
  }

  private send(message: FromKeeper): void {
    this.client.receive(message);
  }
}
