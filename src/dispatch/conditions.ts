/** What a rule asks of a request, made ready to be tested. */
import type { RequestHead } from '../exchange.ts';
import type { RuleSettings } from '../settings.ts';
import { compileHost, type HostTest, holdsHost, hostOf } from './host.ts';
import { compilePath, holdsPath, isPlainPath, type PathTest, pathEnd } from './path.ts';
import { visitQuery } from './query.ts';
import { Slots } from './slots.ts';
import { compileValueTest, type ValueTest } from './value-test.ts';
import { toWire } from './wire.ts';

export interface SlotTest {
  /** As configured, for people. */
  readonly name: string;
  readonly slot: number;
  readonly test: ValueTest;
}

/** Every kind that is given must hold; an empty one is not given. */
export interface Conditions {
  readonly listeners: readonly string[];
  readonly methods: readonly string[];
  readonly hosts: readonly HostTest[];
  readonly paths: readonly PathTest[];
  readonly headers: readonly SlotTest[];
  readonly query: readonly SlotTest[];
}

export type ConditionKind = keyof Conditions;

/** One request as conditions see it. Used again for every request; host, path and query are looked at when asked for. */
export class RequestView {
  readonly headers = new Slots();
  readonly query = new Slots();
  private head: RequestHead | null = null;
  private hostText: string | null = null;
  private end = -1;
  private isPlain = false;
  private hasQuery = false;
  /** The `Host` field is the authority that is forwarded, also where an absolute-form target overrides it. */
  private hostSlot = -1;

  compile(match: RuleSettings['match']): Conditions {
    const headers = Object.entries(match.headers).map(([name, value]) => {
      return { name, slot: this.headers.declare(name), test: compileValueTest(value, toWire) };
    });
    this.hostSlot = this.headers.slotOf('host');
    return {
      listeners: match.listeners,
      methods: match.methods,
      hosts: match.hosts.map(compileHost),
      paths: match.paths.map(compilePath),
      headers,
      query: Object.entries(match.query).map(([name, value]) => {
        return { name, slot: this.query.declare(name), test: compileValueTest(value, String) };
      }),
    };
  }

  /** Reads the headers that rules ask for. `host` is the authority that the request is for, however it was given. */
  load(head: RequestHead): void {
    this.head = head;
    this.hostText = null;
    this.end = -1;
    this.hasQuery = false;
    const { headers, hostSlot } = this;
    headers.clear();
    if (headers.isEmpty) return;
    const raw = head.rawHeaders;
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const slot = headers.slotOfSpelling(raw[i] ?? '');
      if (slot >= 0 && slot !== hostSlot) headers.add(slot, raw[i + 1] ?? '');
    }
    if (hostSlot >= 0 && head.authority !== '') headers.add(hostSlot, head.authority);
  }

  private host(head: RequestHead): string {
    this.hostText ??= hostOf(head.authority);
    return this.hostText;
  }

  private holdsPaths(tests: readonly PathTest[], uri: string): boolean {
    if (this.end < 0) {
      this.end = pathEnd(uri);
      this.isPlain = isPlainPath(uri, this.end);
    }
    if (!this.isPlain) return false;
    for (const test of tests) if (holdsPath(test, uri, this.end)) return true;
    return false;
  }

  private loadQuery(uri: string): void {
    const { query } = this;
    this.hasQuery = true;
    query.clear();
    visitQuery(uri, (name, value) => {
      const slot = query.slotOf(name);
      if (slot >= 0) query.add(slot, value);
    });
  }

  private holdsHosts(tests: readonly HostTest[], head: RequestHead): boolean {
    const host = this.host(head);
    for (const test of tests) if (holdsHost(test, host)) return true;
    return false;
  }

  private holdsQuery(tests: readonly SlotTest[], uri: string): boolean {
    if (!this.hasQuery) this.loadQuery(uri);
    for (const { slot, test } of tests) if (!this.query.holds(slot, test)) return false;
    return true;
  }

  /** The first kind that does not hold; null: all of them hold. */
  failure(conditions: Conditions): ConditionKind | null {
    const { head } = this;
    const { listeners, methods, headers, hosts, paths, query } = conditions;
    if (head === null) throw new Error('load a request first');
    if (listeners.length > 0 && !listeners.includes(head.listener)) return 'listeners';
    if (methods.length > 0 && !methods.includes(head.method)) return 'methods';
    for (let i = 0; i < headers.length; i++) {
      const header = headers[i];
      if (header !== undefined && !this.headers.holds(header.slot, header.test)) return 'headers';
    }
    if (hosts.length > 0 && !this.holdsHosts(hosts, head)) return 'hosts';
    if (paths.length > 0 && !this.holdsPaths(paths, head.uri)) return 'paths';
    if (query.length > 0 && !this.holdsQuery(query, head.uri)) return 'query';
    return null;
  }
}
