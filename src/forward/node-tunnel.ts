/**
 * One request that asks for another protocol (RFC 9110 section 7.8): sent by itself on a connection of its own; when
 * the target agrees, bytes go both ways until either side ends.
 */
import { request as httpRequest, type IncomingMessage, type InformationEvent } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Buffers } from '../accept/buffers.ts';
import { endGently } from '../accept/linger.ts';
import type { Reason, RequestSent } from '../exchange.ts';
import { informationalHeaders, responseHeaders } from './headers.ts';
import type { HeldAnswer } from './held-answer.ts';
import { translateError } from './node-error.ts';
import { RefusedUpgrade, resetSide } from './node-refused-upgrade.ts';
import type { Upstream } from './node-upstream.ts';
import { refusalProblem, switchHeaders, switchProblem } from './upgrade-answer.ts';

export interface TunnelPlan {
  readonly upstream: Upstream;
  readonly method: string;
  readonly path: string;
  /** As sent, `Host`, `Connection` and `Upgrade` included. */
  readonly headers: readonly string[];
  readonly connectMs: number;
  readonly responseMs: number;
  /** Both ways without a byte. */
  readonly idleMs: number;
  /** Between two pieces of an ordinary answer. */
  readonly answerIdleMs: number;
  /** Bytes of a held answer that are recorded before it is released. */
  readonly holdBytes: number;
  /** Where what waits counts. */
  readonly buffers: Buffers;
  /** Protocols that the caller offered. */
  readonly offered: string;
}

export interface TunnelOwner {
  /** The target agreed; the fields of its 101. */
  switched(rawHeaders: string[]): void;
  /** An informational answer. */
  informed(status: number, message: string, rawHeaders: string[]): void;
  /** Whether an answer with this status is a failure that is kept back until it is recorded. */
  holds(status: number): boolean;
  /** Such an answer is there; `rawHeaders` are those for the caller. `releaseHeld` lets it go. */
  heldBack(answer: HeldAnswer, rawHeaders: string[]): void;
  /** The target answered something else; the connection is closed after it. */
  answered(status: number, message: string, rawHeaders: string[]): void;
  failed(reason: Reason, message: string, timedOut: boolean): void;
  /** The caller left before the target had answered. */
  callerLeft(): void;
  /** All is over, after any of the above. */
  closed(): void;
}

/** As node-caller.ts has it for other requests. */
const MAX_INFORMATIONAL = 100;

export class NodeTunnel {
  requestSent: RequestSent = 'no';
  bytesUp = 0;
  bytesDown = 0;
  private readonly caller: Duplex;
  private readonly early: Buffer;
  private readonly plan: TunnelPlan;
  private readonly owner: TunnelOwner;
  private target: Duplex | null = null;
  private state: 'asking' | 'holding' | 'open' | 'failed' | 'over' = 'asking';
  private refusal: RefusedUpgrade | null = null;
  private informed = 0;
  private held = 0;
  private timer: NodeJS.Timeout | null = null;
  private cut: ((error: Error) => void) | null = null;

  constructor(caller: Duplex, early: Buffer, plan: TunnelPlan, owner: TunnelOwner) {
    this.caller = caller;
    this.early = early;
    this.plan = plan;
    this.owner = owner;
  }

  open(): void {
    const { plan, caller } = this;
    const { reach } = plan.upstream;
    const { lookup, tls, headerBytes: maxHeaderSize } = reach;
    const url = new URL(reach.origin);
    const secure = url.protocol === 'https:';
    const send = secure ? httpsRequest : httpRequest;
    const request = send({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
      method: plan.method,
      path: plan.path,
      headers: plan.headers as string[],
      agent: false,
      lookup,
      maxHeaderSize,
      ...tls,
    });
    // Bytes are limited; Node would cut off fields beyond 2,000 without a word.
    request.maxHeadersCount = 0;
    this.cut = (error) => request.destroy(error);
    this.limit(plan.connectMs, 'the target did not accept a connection in time');
    request.on('socket', (socket) =>
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        reach.connected(socket);
        this.sent();
      }),
    );
    request.on('information', (information) => this.inform(information));
    request.on('upgrade', (response, socket, head) => this.upgraded(response, socket, head));
    request.on('response', (response) => this.refused(response));
    request.on('error', (error) => this.fail(error));
    caller.on('error', () => caller.destroy());
    caller.on('close', () => this.callerClosed());
    request.end();
  }

  /** Ends it: both connections are closed. */
  destroy(): void {
    this.caller.destroy();
    this.target?.destroy();
    this.cut?.(new Error('the tunnel was closed'));
  }

  private sent(): void {
    this.requestSent = 'yes';
    this.limit(this.plan.responseMs, 'the target did not answer in time');
  }

  /** As for any request: so many and no more, and 100 is nothing that the caller waits for. */
  private inform({ statusCode, statusMessage, rawHeaders }: InformationEvent): void {
    this.informed += 1;
    if (this.informed > MAX_INFORMATIONAL) {
      const text = 'the target sent informational answers without end';
      this.failWith('protocol', text, false);
      this.cut?.(new Error(text));
    } else if (this.state === 'asking' && statusCode !== 100) {
      this.owner.informed(statusCode, statusMessage, informationalHeaders(rawHeaders));
    }
  }

  private upgraded(response: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.stopTimer();
    const problem = switchProblem(response, this.plan.offered);
    if (problem !== '' || this.state !== 'asking') {
      socket.destroy();
      this.failWith('protocol', problem, false);
      return;
    }
    this.state = 'open';
    this.target = socket;
    this.owner.switched(switchHeaders(response));
    if (head.length > 0) this.down(head);
    if (this.early.length > 0) this.up(this.early);
    this.join(socket);
  }

  private join(target: Duplex): void {
    const { caller } = this;
    target.on('data', (chunk: Buffer) => this.down(chunk));
    caller.on('data', (chunk: Buffer) => this.up(chunk));
    target.on('drain', () => this.let(caller, true));
    caller.on('drain', () => this.let(target, true));
    target.on('end', () => caller.end());
    caller.on('end', () => target.end());
    target.on('error', () => caller.destroy());
    target.on('close', () => endGently(caller));
    for (const side of [caller, target]) setIdle(side, this.plan.idleMs, () => this.destroy());
  }

  private up(chunk: Buffer): void {
    // The target has ended: what still comes is dropped, so that the caller gets to read what it said.
    if (this.target?.writable !== true) return;
    this.bytesUp += chunk.length;
    if (!this.target.write(chunk)) this.let(this.caller, false);
  }

  private down(chunk: Buffer): void {
    this.bytesDown += chunk.length;
    if (!this.caller.write(chunk)) this.let(this.target, false);
  }

  /** This side sends, or waits for the other to read. */
  private let(side: Duplex | null, send: boolean): void {
    if (send) side?.resume();
    else side?.pause();
    this.hold(this.caller.writableLength + (this.target?.writableLength ?? 0));
  }

  private hold(bytes: number): void {
    this.held = this.plan.buffers.change(this.held, bytes);
  }

  /** Lets the answer go that was held back; its head has been written. */
  releaseHeld(): void {
    this.refusal?.release();
  }

  /** Not a switch: an ordinary answer. */
  private refused(response: IncomingMessage): void {
    this.stopTimer();
    const { caller, owner, plan } = this;
    const headers = this.state === 'asking' ? this.refusedHeaders(response) : null;
    if (headers === null) {
      response.destroy();
      return;
    }
    const { statusCode: status = 502, statusMessage: message = '' } = response;
    const refusal = new RefusedUpgrade(response, caller, plan.answerIdleMs, {
      held: (answer) => {
        this.state = 'open';
        owner.heldBack(answer, headers);
      },
      passed: (bytes) => {
        this.bytesDown += bytes;
      },
    });
    this.refusal = refusal;
    setIdle(caller, plan.idleMs, () => this.destroy());
    if (owner.holds(status)) {
      this.state = 'holding';
      refusal.hold(plan.holdBytes);
      return;
    }
    this.state = 'open';
    owner.answered(status, message, headers);
    refusal.relay();
  }

  /** null: it can't be relayed, and has been told as a failure. */
  private refusedHeaders(response: IncomingMessage): string[] | null {
    const problem = refusalProblem(response);
    if (problem !== '') {
      this.failWith('protocol', problem, false);
      return null;
    }
    try {
      return responseHeaders(response.rawHeaders);
    } catch (error) {
      const why = error instanceof Error ? error.message : '';
      this.failWith('protocol', `the target’s answer can't be relayed: ${why}`, false);
      return null;
    }
  }

  private callerClosed(): void {
    const { state } = this;
    this.over(() => {
      if (state === 'asking' || state === 'holding') this.owner.callerLeft();
    });
    this.refusal?.stop();
    this.target?.destroy();
    this.cut?.(new Error('the caller went away'));
  }

  private fail(error: Error): void {
    const phase = this.requestSent === 'no' ? 'connecting' : 'waiting';
    const { reason, message, timedOut } = translateError(error, phase);
    this.failWith(reason, message, timedOut);
  }

  private failWith(reason: Reason, message: string, timedOut: boolean): void {
    this.stopTimer();
    if (this.state === 'open') resetSide(this.caller);
    if (this.state !== 'asking') return;
    this.state = 'failed';
    this.owner.failed(reason, message, timedOut);
  }

  private limit(ms: number, text: string): void {
    this.stopTimer();
    if (ms <= 0) return;
    this.timer = setTimeout(() => {
      const reason: Reason = this.requestSent === 'no' ? 'connect' : 'timeout';
      this.failWith(reason, text, true);
      this.cut?.(new Error(text));
    }, ms);
  }

  private over(first: () => void): void {
    this.stopTimer();
    if (this.state === 'over') return;
    this.state = 'over';
    this.hold(0);
    first();
    this.owner.closed();
  }

  private stopTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}

function setIdle(side: Duplex, ms: number, onIdle: () => void): void {
  if (ms > 0 && 'setTimeout' in side && typeof side.setTimeout === 'function') side.setTimeout(ms, onIdle);
}
