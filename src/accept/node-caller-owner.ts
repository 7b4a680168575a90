/** Who is told what becomes of one request of a caller. */
import type { IncomingMessage } from 'node:http';
import type { Refusal } from './guard.ts';
import type { Caller } from './node-caller.ts';

/** Who follows one request on its way. */
export interface CallerOwner {
  /** The connection to the caller ended before its answer did. */
  callerGone(): void;
  /** What was written has left; more may follow. */
  callerDrained(): void;
  /** The last that is heard: the answer is complete or the connection is gone. */
  callerClosed(): void;
}

/** What a listener needs to know of each request on a connection. */
export interface CallerTracker {
  finished(caller: Caller): void;
  /** The end of the body is not what HTTP allows: nothing that follows is served. */
  distrust(refusal: Refusal, request: IncomingMessage): void;
  /** Whether the answer to this request is the last on its connection; then nothing that follows is served. */
  isLast(caller: Caller, wanted: boolean): boolean;
}
