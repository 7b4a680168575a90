/** The path of a request that asks for another protocol: the same steps as any other, then bytes both ways. */
import { type Answer, problem, rawAnswer, rawHead } from './accept/answer.ts';
import { RequestBody } from './accept/body.ts';
import { endGently } from './accept/linger.ts';
import type { UpgradeRequest } from './accept/node-server.ts';
import type { AmbassadorParts } from './ambassador.ts';
import { applyPatch, PatchError } from './dispatch/patch.ts';
import type { Rule } from './dispatch/rule.ts';
import type { TemplateContext } from './dispatch/template.ts';
import type { Attempt, Reason, RequestHead, RequestSent, Verdict } from './exchange.ts';
import type { Ending } from './forward/failure.ts';
import type { HeldAnswer } from './forward/held-answer.ts';
import type { Lane } from './forward/lanes.ts';
import { isLastHop, lastHopAnswer } from './forward/max-forwards.ts';
import { NodeTunnel, type TunnelOwner } from './forward/node-tunnel.ts';
import type { Upstream } from './forward/node-upstream.ts';
import { planFlight } from './forward/plan.ts';
import { failureStatus, judge } from './judge/judge.ts';
import { captureFields, friendlyAnswer, plainFailure, refusePatch } from './record/answer-failure.ts';
import type { CaptureSource, Kept } from './record/capture.ts';
import { newRecordId } from './record/record-id.ts';
import type { WatchedCaller, WatchedExchange, WatchedFlight } from './watch/exchange-watch.ts';

export class Tunnels {
  /** Milliseconds both ways without a byte (`limits.tunnelIdle`). */
  idleMs = 0;
  private readonly running = new Set<Tunnel>();
  private draining = false;

  open(upgrade: UpgradeRequest, parts: AmbassadorParts): void {
    const full = this.draining ? DRAINING : parts.overload.enter();
    if (full !== null) return refuse(upgrade, full.status, full.kind, full.detail, parts);
    const head = headOf(upgrade);
    if (isLastHop(head)) {
      parts.overload.leave();
      return answerRaw(upgrade, lastHopAnswer(head));
    }
    const rule = parts.routes.match(head);
    const lane = rule === null ? null : parts.lanes.get(rule.targetName);
    if (rule === null || lane === null) {
      parts.overload.leave();
      return refuse(upgrade, 404, 'noRule', 'Nothing is configured for this request.', parts);
    }
    const tunnel = new Tunnel(upgrade, head, rule, lane, parts, () => this.running.delete(tunnel));
    this.running.add(tunnel);
    tunnel.start(lane, this.idleMs);
  }

  /** New ones are refused from now on. */
  drain(): void {
    this.draining = true;
  }

  destroy(): void {
    for (const tunnel of this.running) tunnel.destroy();
  }
}

const DRAINING = { status: 503, kind: 'inFlight', detail: 'Outrider is shutting down.' } as const;

class Tunnel implements TunnelOwner, TemplateContext, CaptureSource, WatchedCaller, WatchedFlight, WatchedExchange {
  readonly caller = this;
  readonly head: RequestHead;
  readonly body: RequestBody;
  readonly rule: string;
  readonly target: string;
  readonly values: TemplateContext['values'];
  readonly timestamp = Date.now() / 1000;
  readonly startedAt = performance.now();
  readonly backendUrl: string;
  readonly attempts: Attempt[] = [];
  readonly retries = 0;
  held: HeldAnswer | null = null;
  status = 0;
  targetMs: number | null = null;
  verdict: Verdict | null = null;
  kept: Kept | null = null;
  private readonly upgrade: UpgradeRequest;
  private readonly compiled: Rule;
  private readonly upstream: Upstream;
  private readonly parts: AmbassadorParts;
  private readonly onClosed: () => void;
  private tunnel: NodeTunnel | null = null;
  private keeping = false;
  private isClosed = false;
  private uuid = '';

  constructor(
    upgrade: UpgradeRequest,
    head: RequestHead,
    rule: Rule,
    lane: Lane,
    parts: AmbassadorParts,
    onClosed: () => void,
  ) {
    this.upgrade = upgrade;
    this.head = head;
    this.compiled = rule;
    this.rule = rule.name;
    this.target = rule.targetName;
    this.values = parts.routes.values;
    this.upstream = lane.balancer.pick();
    this.backendUrl = this.upstream.url;
    this.parts = parts;
    this.onClosed = onClosed;
    this.body = new RequestBody(upgrade.request, 0, { idleMs: 0, maxBytes: 0 }, null);
  }

  get requestSent(): RequestSent {
    return this.tunnel?.requestSent ?? 'no';
  }

  get bytesWritten(): number {
    return this.tunnel?.bytesDown ?? 0;
  }

  /** forward: the same plan as any request, with the two fields that ask for the protocol. */
  start(lane: Lane, idleMs: number): void {
    const { upgrade, compiled, upstream, parts } = this;
    const offered = upgrade.request.headers.upgrade ?? '';
    try {
      const plan = planFlight(compiled, lane, this, parts.policy, parts.holdBytes);
      if (plan === null) return this.reject(508, 'loop', 'This request has been here before.');
      if (plan.problem !== null) return this.reject(502, 'patch', 'This route is not usable as it is configured.');
      const { connect: connectMs, response: responseMs, idle: answerIdleMs } = plan.timeouts;
      const headers = [...withHost(plan.headers, upstream), 'Connection', 'Upgrade', 'Upgrade', offered];
      const { path } = upstream.resolve(plan.uri);
      const { holdBytes } = plan;
      const { method } = this.head;
      const { buffers } = parts.overload;
      const what = { upstream, method, path, headers, offered, holdBytes, buffers };
      const times = { connectMs, responseMs, idleMs, answerIdleMs };
      this.tunnel = new NodeTunnel(upgrade.socket, upgrade.early, { ...what, ...times }, this);
    } catch (error) {
      const { status, kind, detail } = refusePatch(error);
      return this.reject(status, kind, detail);
    }
    parts.watch.started();
    this.tunnel.open();
  }

  switched(rawHeaders: string[]): void {
    this.settle({ kind: 'answered', status: 101 });
    this.writeHead(101, '', rawHeaders);
  }

  informed(status: number, message: string, rawHeaders: string[]): void {
    this.upgrade.socket.write(rawHead(status, message, rawHeaders));
  }

  holds(status: number): boolean {
    return this.compiled.capture.wants('status', status, this.head.method);
  }

  /** judge and record, then the target's own answer or the rule's. */
  heldBack(answer: HeldAnswer, rawHeaders: string[]): void {
    const { status, message } = answer;
    this.held = answer;
    this.note('status', status);
    const text = `the target answered ${status}`;
    const failure = { reason: 'status', message: text, timedOut: false, requestSent: this.requestSent } as const;
    const verdict = this.settle({ kind: 'failed', failure, status });
    if (verdict.kind !== 'failed') return;
    this.keep(verdict, (kept) => {
      const friendly = friendlyAnswer(this.compiled, this, kept);
      if (friendly !== null) return this.end(friendly);
      this.writeHead(status, message, [...rawHeaders, ...captureFields(kept), 'Connection', 'close']);
      this.tunnel?.releaseHeld();
    });
  }

  answered(status: number, message: string, rawHeaders: string[]): void {
    this.settle({ kind: 'answered', status });
    this.writeHead(status, message, [...rawHeaders, 'Connection', 'close']);
  }

  /** judge and record, as for any request; there is no body to wait for. */
  failed(reason: Reason, message: string, timedOut: boolean): void {
    const { requestSent } = this;
    this.note(reason);
    const failure = { reason, message, timedOut, requestSent };
    const verdict = this.settle({ kind: 'failed', failure, status: null });
    if (verdict.kind !== 'failed') return;
    const status = failureStatus(verdict, timedOut);
    this.keep(verdict, (kept) => this.end(friendlyAnswer(this.compiled, this, kept) ?? plainFailure(status, kept)));
  }

  callerLeft(): void {
    const { requestSent } = this;
    this.note('clientAbort');
    const verdict = this.settle({ kind: 'callerLeft', afterRequest: true, answering: false, requestSent });
    if (verdict.kind === 'failed') this.keep(verdict, () => undefined);
  }

  closed(): void {
    this.onClosed();
    this.parts.overload.leave();
    this.isClosed = true;
    if (!this.keeping) this.parts.watch.finished(this, this);
  }

  destroy(): void {
    this.tunnel?.destroy();
  }

  id(): string {
    this.uuid ||= newRecordId();
    return this.uuid;
  }

  /** `answer`: null where the rule doesn't keep this failure. */
  private keep(verdict: Verdict & { readonly kind: 'failed' }, answer: (kept: Kept | null) => void): void {
    const { parts, compiled, timestamp, rule, target } = this;
    if (!compiled.capture.wants(verdict.reason, verdict.status, this.head.method)) return answer(null);
    this.keeping = true;
    parts.capturer.keep(this, { id: this.id(), timestamp, rule, target, verdict }, (kept) => {
      this.kept = kept;
      this.keeping = false;
      answer(kept);
      parts.watch.kept(this, kept);
      if (this.isClosed) parts.watch.finished(this, this);
    });
  }

  private note(reason: Reason, status: number | null = null): void {
    const { timestamp: at, backendUrl: url, requestSent } = this;
    this.attempts.push({ at, url, reason, status, requestSent, ms: performance.now() - this.startedAt });
  }

  private settle(ending: Ending): Verdict {
    this.targetMs = performance.now() - this.startedAt;
    this.verdict = judge(ending);
    return this.verdict;
  }

  /** An answer of ours, after which the connection is closed. */
  private end(answer: Answer): void {
    this.status = answer.status;
    endGently(this.upgrade.socket, rawAnswer(answer));
  }

  private writeHead(status: number, message: string, rawHeaders: string[]): void {
    this.status = status;
    const headers = [...rawHeaders];
    try {
      applyPatch(headers, this.compiled.response, this);
    } catch (error) {
      if (!(error instanceof PatchError)) throw error;
      this.parts.watch.unpatched(this, error.message);
    }
    this.upgrade.socket.write(rawHead(status, message, headers));
  }

  private reject(status: number, kind: string, detail: string): void {
    this.onClosed();
    this.parts.overload.leave();
    refuse(this.upgrade, status, kind, detail, this.parts);
  }
}

function headOf({ request, inspected, listener, scheme }: UpgradeRequest): RequestHead {
  return {
    listener,
    scheme,
    method: request.method ?? '',
    uri: inspected.uri,
    rawHeaders: request.rawHeaders,
    authority: inspected.authority,
    httpVersion: '1.1',
    remoteAddress: (request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
  };
}

/** Outside undici nobody adds a Host. */
function withHost(headers: readonly string[], { reach }: Upstream): string[] {
  for (let i = 0; i < headers.length; i += 2) if ((headers[i] ?? '').toLowerCase() === 'host') return [...headers];
  return ['Host', new URL(reach.origin).host, ...headers];
}

function refuse(
  { socket, request, listener }: UpgradeRequest,
  status: number,
  kind: string,
  detail: string,
  parts: AmbassadorParts,
): void {
  const remote = request.socket.remoteAddress ?? '';
  parts.watch.refused({ status, kind, detail }, listener, remote, `${request.method} ${request.url}`);
  answerRaw({ socket }, problem(status, detail));
}

function answerRaw({ socket }: Pick<UpgradeRequest, 'socket'>, answer: Answer): void {
  socket.on('error', () => socket.destroy());
  endGently(socket, rawAnswer(answer));
}
