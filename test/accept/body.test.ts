import type { Readable } from 'node:stream';
import { type BodyOwner, RequestBody } from '../../src/accept/body.ts';
import { Buffers, STREAM_BYTES } from '../../src/accept/buffers.ts';
import { type CopyFiles, CopyMemory, type CopyPolicy } from '../../src/accept/copy.ts';
import { cleanUp } from '../helpers/cleanup.ts';
import { waitFor } from '../helpers/wait.ts';

/** A caller's stream that only tells whether it is asked to flow. */
class FakeSource {
  flowing = false;
  pause(): void {
    this.flowing = false;
  }
  resume(): void {
    this.flowing = true;
  }
}

/** A disk that takes everything and is always behind, until `catchUp`. */
class SlowFiles implements CopyFiles {
  readonly dropped: number[] = [];
  private waiting: (() => void)[] = [];
  open(): number {
    return 1;
  }
  write(): 'busy' {
    return 'busy';
  }
  drop(file: number): void {
    this.dropped.push(file);
  }
  drained(done: () => void): void {
    this.waiting.push(done);
  }
  catchUp(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const done of waiting) done();
  }
}

class Owner implements BodyOwner {
  readonly heard: string[] = [];
  bodyReady(): void {
    this.heard.push('ready');
  }
  bodyFailed(): void {
    this.heard.push('failed');
  }
}

interface Parts {
  readonly length?: number | null;
  readonly idleMs?: number;
  readonly maxBytes?: number;
  readonly policy?: CopyPolicy | null;
  readonly ask?: (() => void) | null;
  readonly buffers?: Buffers;
}

function start({ length = null, idleMs = 60_000, maxBytes = 0, policy = null, ask = null, buffers }: Parts = {}) {
  const source = new FakeSource();
  const owner = new Owner();
  const body = new RequestBody(source, length, { idleMs, maxBytes }, ask);
  cleanUp(() => body.release());
  body.copyTo(policy);
  body.open(owner, buffers ?? null);
  return { source, owner, body };
}

const bytes = (size: number): Buffer => Buffer.alloc(size, 'x');
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function read(stream: Uint8Array | Readable | null): Promise<string> {
  if (stream === null || stream instanceof Uint8Array) return String(stream);
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return String(Buffer.concat(chunks));
}

describe('what an attempt is given', () => {
  test('nothing where there is no body, at once', () => {
    const { owner, body } = start({ length: 0 });
    expect(owner.heard).toEqual(['ready']);
    expect(body.content()).toBeNull();
  });

  test('bytes, when all of it came with the head', async () => {
    const { owner, body } = start();
    body.push(Buffer.from('hel'));
    body.push(Buffer.from('lo'));
    body.end();
    expect(owner.heard).toEqual(['ready']);
    expect(await read(body.content())).toBe('hello');
    await turn();
    expect(owner.heard).toEqual(['ready']);
  });

  test('a stream, when more is to come', async () => {
    const { owner, body } = start();
    body.push(Buffer.from('hel'));
    await turn();
    expect(owner.heard).toEqual(['ready']);
    const content = body.content();
    body.push(Buffer.from('lo'));
    body.end();
    expect(await read(content)).toBe('hello');
  });

  test('all of it again, from the copy, as long as that is in memory', async () => {
    const policy = { memory: new CopyMemory(1000), files: new SlowFiles(), limit: 1000 };
    const { body } = start({ policy });
    body.push(Buffer.from('first '));
    await turn();
    body.content();
    body.push(Buffer.from('then '));
    expect(body.replayable).toBe(true);
    body.detach();
    const again = body.content();
    body.push(Buffer.from('last'));
    body.end();
    expect(await read(again)).toBe('first then last');
    body.release();
    expect(policy.memory.used).toBe(0);
  });

  test('nothing again, where no copy was made', async () => {
    const { body } = start();
    body.push(bytes(1));
    await turn();
    body.content();
    body.push(bytes(1));
    expect(body.replayable).toBe(false);
  });
});

describe('back-pressure', () => {
  test('a caller is paused when 64 KiB are there that nobody wants yet', () => {
    const { source, body } = start();
    body.push(bytes(65_536));
    expect(source.flowing).toBe(true);
    body.push(bytes(1));
    expect(source.flowing).toBe(false);
  });

  test('and when an attempt is behind, until it asks for more', async () => {
    const { source, body } = start();
    await turn();
    const content = body.content() as Readable;
    content.read(0);
    expect(source.flowing).toBe(true);
    body.push(bytes(70_000));
    expect(source.flowing).toBe(false);
    expect(body.backedUp).toBe(true);
    content.read();
    await turn();
    expect(source.flowing).toBe(true);
  });
});

describe('faults', () => {
  test('too many bytes are told before the attempt, or during it', async () => {
    const early = start({ maxBytes: 10 });
    early.body.push(bytes(11));
    expect(early.owner.heard).toEqual(['ready']);
    expect(early.body.fault).toBe('tooLarge');
    const late = start({ maxBytes: 10 });
    late.body.push(bytes(5));
    await turn();
    late.body.content();
    late.body.push(bytes(6));
    late.body.push(bytes(6));
    expect(late.owner.heard).toEqual(['ready', 'failed']);
  });

  test('a body that stops is told to its owner, whatever the attempt does with the stream', async () => {
    const before = timers();
    const { owner, body } = start({ idleMs: 20 });
    await turn();
    (body.content() as Readable).read(0);
    await waitFor(() => body.fault === 'idle', { what: 'the fault' });
    expect(owner.heard).toEqual(['ready', 'failed']);
    body.release();
    expect(timers()).toBeLessThanOrEqual(before);
  });

  test('an attempt that lets go of its stream with an error harms nobody', async () => {
    const { body } = start();
    await turn();
    (body.content() as Readable).destroy(new Error('the library is done'));
    await turn();
    body.push(bytes(10));
    expect(body.received).toBe(10);
  });
});

describe('the rest', () => {
  test('is complete, gone or late, and whoever waits hears of it once', async () => {
    const before = timers();
    for (const finish of ['end', 'lost', 'late'] as const) {
      const { body } = start();
      let heard = 0;
      body.readRest(finish === 'late' ? 20 : 60_000, () => {
        heard += 1;
      });
      if (finish !== 'late') body[finish]();
      await waitFor(() => heard === 1, { what: finish });
      body.lost();
      expect(heard).toBe(1);
      body.release();
    }
    expect(timers()).toBeLessThanOrEqual(before);
  });

  test('asks a caller that waits for 100 Continue, once', () => {
    let asked = 0;
    const { body } = start({ ask: () => (asked += 1) });
    expect(body.unasked).toBe(true);
    body.readRest(60_000, () => undefined);
    body.demand();
    expect(asked).toBe(1);
    expect(body.unasked).toBe(false);
    body.release();
  });

  test('that is dropped is kept by nobody, and its memory is given back at once', () => {
    const policy = { memory: new CopyMemory(1000), files: new SlowFiles(), limit: 1000 };
    const { source, body } = start({ policy });
    body.push(bytes(100));
    let done = false;
    body.drop(60_000, () => {
      done = true;
    });
    expect(policy.memory.used).toBe(0);
    body.push(bytes(500));
    expect(policy.memory.used).toBe(0);
    expect(source.flowing).toBe(true);
    body.end();
    expect(done).toBe(true);
    body.release();
  });
});

describe('a disk that is behind', () => {
  const slow = (): { policy: CopyPolicy; files: SlowFiles } => {
    const files = new SlowFiles();
    return { files, policy: { memory: new CopyMemory(0), files, limit: 1_000_000 } };
  };

  test('holds a live upload up for a moment, and leaves no timer when the caller is gone meanwhile', async () => {
    const before = timers();
    const { policy, files } = slow();
    const { source, body } = start({ policy });
    await turn();
    (body.content() as Readable).read(0);
    body.push(bytes(10));
    expect(source.flowing).toBe(false);
    body.lost();
    body.release();
    expect(timers()).toBeLessThanOrEqual(before);
    files.catchUp();
    expect(source.flowing).toBe(false);
    expect(files.dropped).toEqual([1]);
  });

  test('is waited for by what has failed, until it has caught up', async () => {
    const before = timers();
    const { policy, files } = slow();
    const { source, body } = start({ policy });
    await turn();
    body.readRest(60_000, () => undefined);
    body.push(bytes(10));
    expect(source.flowing).toBe(false);
    files.catchUp();
    expect(source.flowing).toBe(true);
    body.push(bytes(10));
    body.end();
    body.release();
    expect(timers()).toBeLessThanOrEqual(before);
  });
});

describe('what a body takes of limits.bufferBytes', () => {
  test('is what has come while that is little, whatever it says of its length, until the exchange is over', () => {
    const buffers = new Buffers();
    const { body } = start({ length: 1000, buffers });
    expect(buffers.used).toBe(0);
    const slow = start({ length: 1_000_000, buffers });
    slow.body.push(bytes(10));
    expect(buffers.used).toBe(10);
    slow.body.release();
    body.push(bytes(1000));
    body.end();
    expect(buffers.used).toBe(1000);
    body.release();
    expect(buffers.used).toBe(0);
  });

  test('is that of a stream while one runs, whatever its length is', async () => {
    const buffers = new Buffers();
    const large = start({ length: 1_000_000, buffers });
    large.body.push(bytes(70_000));
    expect(buffers.used).toBe(STREAM_BYTES);
    const chunked = start({ buffers });
    await turn();
    const sent = read(chunked.body.content() as Readable);
    chunked.body.push(bytes(70_000));
    expect(buffers.used).toBe(2 * STREAM_BYTES);
    chunked.body.end();
    await sent;
    await turn();
    expect(buffers.used).toBe(STREAM_BYTES);
    large.body.lost();
    large.body.release();
    expect(buffers.used).toBe(0);
  });

  test('of a chunked one that came at once is what came', async () => {
    const buffers = new Buffers();
    const { body } = start({ buffers });
    body.push(bytes(10));
    body.end();
    await turn();
    expect(buffers.used).toBe(10);
    body.readRest(1000, () => undefined);
    expect(buffers.used).toBe(0);
  });

  test('is given back when the rest is only read for the record, in a file', () => {
    const buffers = new Buffers();
    const files = new SlowFiles();
    const { body } = start({ length: 100_000, buffers, policy: { memory: new CopyMemory(0), files, limit: 1e9 } });
    let done = false;
    body.push(bytes(50_000));
    body.readRest(60_000, () => {
      done = true;
    });
    body.push(bytes(50_000));
    body.end();
    expect([done, buffers.used]).toEqual([true, 0]);
  });

  test('is nothing of what is dropped', () => {
    const buffers = new Buffers();
    const { body } = start({ length: 1_000_000, buffers });
    body.push(bytes(70_000));
    body.drop(60_000, () => undefined);
    body.push(bytes(70_000));
    expect(buffers.used).toBe(0);
  });

  test('where memory is short, a large one is not read before the target wants it; a small one is', () => {
    const buffers = new Buffers(1_000_000);
    buffers.change(0, 600_000);
    const large = start({ length: 100_000, buffers });
    expect([large.source.flowing, large.owner.heard]).toEqual([false, ['ready']]);
    expect(buffers.used).toBe(600_000 + 65_536);
    const small = start({ length: 100, buffers });
    expect([small.source.flowing, small.owner.heard]).toEqual([true, []]);
  });
});
