/** What one attempt reads of a request's body. */
import { Readable } from 'node:stream';

/** The caller's stream, as far as a body needs it. */
export interface BodySource {
  pause(): unknown;
  resume(): unknown;
}

/** The body, as far as its feeds need it. */
export interface FeedSource {
  /** More bytes are wanted. */
  demand(): void;
  /** The attempt's library let go of the feed. */
  feedClosed(feed: Feed): void;
}

/** One piece of what a socket gives at a time waits here; more would only be held, not sent sooner. */
const HELD_BYTES = 16 * 1024;

/** Asking for more resumes the caller: back-pressure from the target reaches it. */
export class Feed extends Readable {
  private readonly body: FeedSource;
  constructor(body: FeedSource) {
    super({ highWaterMark: HELD_BYTES });
    this.body = body;
    // The library may destroy it with an error after it has stopped listening; the attempt has been told then.
    this.on('error', onFeedError);
  }
  override _read(): void {
    this.body.demand();
  }
  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.body.feedClosed(this);
    callback(error);
  }
}

function onFeedError(this: Readable): void {
  this.destroy();
}
