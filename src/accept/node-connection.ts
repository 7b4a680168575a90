/** One connection of a caller: the requests on it that wait for their answers, and whether it takes more. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { BodyFault } from './body.ts';
import type { Refusal } from './guard.ts';
import { endGently } from './linger.ts';
import type { Caller } from './node-caller.ts';
import type { CallerTracker } from './node-caller-owner.ts';
import { PeerTable } from './peer-table.ts';

/** The listener, as far as its connections need it. */
export interface ConnectionOwner {
  /** The listener is closing: answers carry `Connection: close`. */
  readonly closing: boolean;
  /** A request has been answered or its caller is gone. */
  finished(): void;
  /** So have all on this connection. */
  rested(socket: Socket): void;
  /** Counts and logs a request that goes no further. */
  report(refusal: Refusal, request: IncomingMessage): void;
}

/**
 * A caller that has sent FIN may still be reading (RFC 9112 section 9.6) or may be gone: TCP doesn't say which. One
 * that has got nothing for so long is looked for: where nobody on this machine or in this pod holds its end, it counts
 * as gone.
 */
const HALF_CLOSED_MS = 700;
/** One that has left a machine or pod that is ours is seen at the first look. */
const LOOK_MS = 350;

const peers = new PeerTable();

const NOTHING = Buffer.alloc(0);

const kConnection = Symbol('connection');
interface Tagged {
  [kConnection]?: Connection;
}

export class Connection implements CallerTracker {
  /** What follows on it is not to be trusted, or was not to be sent: nothing more is served. */
  ended = false;
  private readonly socket: Socket;
  private readonly owner: ConnectionOwner;
  private waiting = 0;
  /** Bytes that had come when the last request was over: what came since is the head of the next. */
  private readBefore = 0;
  private latest: Caller | null = null;
  private lastWords: Buffer | null = null;
  private halfClosedTimer: NodeJS.Timeout | null = null;

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.socket = socket;
    this.owner = owner;
    socket.destroySoon = destroySoon;
    socket.on('end', onEnd);
    socket.on('close', onClose);
    // Node takes its own listener away from a connection that asks for something else than an answer.
    socket.on('error', onError);
  }

  /** The connection of a socket, the same one each time. */
  static of(socket: Socket & Tagged, owner: ConnectionOwner): Connection {
    let connection = socket[kConnection];
    if (connection === undefined) {
      connection = new Connection(socket, owner);
      socket[kConnection] = connection;
    }
    return connection;
  }

  /** Bytes of a head that has not come to its end. */
  static unfinished(socket: Socket & Tagged): number {
    const connection = socket[kConnection];
    if (connection?.isBusy === true || connection?.ended === true) return 0;
    return socket.bytesRead - (connection?.readBefore ?? 0);
  }

  /** It is between two requests, or before its first. */
  static isResting(socket: Socket & Tagged): boolean {
    const connection = socket[kConnection];
    if (connection === undefined) return socket.bytesRead === 0;
    return !connection.isBusy && !connection.ended && socket.bytesRead === connection.readBefore;
  }

  /** Requests on it wait for their answers. */
  get isBusy(): boolean {
    return this.waiting > 0;
  }

  /** Whether a further request on it may be served. */
  get isOpen(): boolean {
    this.latest?.checkTrailers();
    if (this.latest?.asksToUpgrade === true) this.ended = true;
    return !this.ended;
  }

  add(caller: Caller): void {
    this.waiting += 1;
    this.latest = caller;
  }

  finished(caller: Caller): void {
    this.waiting -= 1;
    if (this.latest === caller) this.latest = null;
    this.owner.finished();
    // The answer before may have been read slowly: its time limit is not that of the next.
    if (this.waiting > 0) this.socket.setTimeout(0);
    else {
      this.readBefore = this.socket.bytesRead;
      this.owner.rested(this.socket);
    }
    if (this.waiting === 0 && this.lastWords !== null) endGently(this.socket, this.lastWords);
  }

  /** While the listener closes, the last request so far: those before it are answered too (RFC 9112 section 9.6). */
  isLast(caller: Caller, wanted: boolean): boolean {
    const isLast = wanted || (this.owner.closing && this.latest === caller);
    if (isLast) this.ended = true;
    return isLast;
  }

  distrust(refusal: Refusal, request: IncomingMessage): void {
    this.ended = true;
    this.owner.report(refusal, request);
  }

  /**
   * What came is no HTTP. Requests before it are answered first, in their order; a request whose body it was in is
   * answered itself, for it will never be whole. `lastWords`: an answer to what came.
   */
  break(fault: BodyFault, lastWords: Buffer): void {
    this.ended = true;
    const broken = this.latest?.isInBody === true ? this.latest : null;
    this.lastWords = broken === null ? lastWords : NOTHING;
    broken?.body.broken(fault);
    if (this.waiting === 0) endGently(this.socket, this.lastWords);
  }

  /** @internal The last answer that Node sends on it has been written. */
  wasLast(): void {
    this.ended = true;
    endGently(this.socket);
  }

  /** @internal The caller sends no more. */
  halfClosed(): void {
    if (this.waiting > 0) this.watchHalfClosed();
  }

  /** @internal */
  closed(): void {
    if (this.halfClosedTimer !== null) clearTimeout(this.halfClosedTimer);
  }

  private watchHalfClosed(): void {
    const { bytesWritten } = this.socket;
    const since = performance.now();
    this.halfClosedTimer = setTimeout(() => this.lookForPeer(bytesWritten, since), LOOK_MS);
  }

  private async lookForPeer(bytesBefore: number, since: number): Promise<void> {
    const { socket } = this;
    const { bytesWritten, remotePort = 0, localPort = 0 } = socket;
    const peer = bytesWritten === bytesBefore ? await peers.look(remotePort, localPort) : 'held';
    if (socket.destroyed) return;
    const waited = performance.now() - since;
    if (peer === 'held') this.watchHalfClosed();
    else if (peer === 'left' || waited >= HALF_CLOSED_MS) socket.destroy();
    else this.halfClosedTimer = setTimeout(() => this.lookForPeer(bytesBefore, since), HALF_CLOSED_MS - waited);
  }
}

/** In place of Node's own, which resets a connection with bytes unread. */
function destroySoon(this: Socket & Tagged): void {
  this[kConnection]?.wasLast();
}

function onEnd(this: Socket & Tagged): void {
  this[kConnection]?.halfClosed();
}

function onError(this: Socket): void {
  this.destroy();
}

function onClose(this: Socket & Tagged): void {
  this[kConnection]?.closed();
}
