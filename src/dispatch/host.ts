/** Hosts of requests against those of rules: without port, in lower case. */

/** The host of `host:port`, as rules see it: lower case, no port, no dot at the end; an IPv6 address in its brackets. */
export function hostOf(authority: string): string {
  const close = authority.startsWith('[') ? authority.indexOf(']') : -1;
  const colon = authority.indexOf(':', close + 1);
  let end = colon < 0 ? authority.length : colon;
  if (end > 1 && authority.charCodeAt(end - 1) === 0x2e) end--;
  return (end === authority.length ? authority : authority.slice(0, end)).toLowerCase();
}

/** One entry of `hosts`; `suffix` (`.example.com`) where it was `*.example.com`. */
export interface HostTest {
  readonly exact: string;
  readonly suffix: string | null;
}

/** `*.example.com` stands for every name below, however deep, not for `example.com` (as Gateway API has it). */
export function compileHost(pattern: string): HostTest {
  if (pattern === '*') return { exact: '', suffix: '' };
  if (pattern.startsWith('*.')) return { exact: '', suffix: hostOf(pattern.slice(1)) };
  const isBareIpv6 = !pattern.startsWith('[') && pattern.indexOf(':') !== pattern.lastIndexOf(':');
  return { exact: hostOf(isBareIpv6 ? `[${pattern}]` : pattern), suffix: null };
}

export function holdsHost(test: HostTest, host: string): boolean {
  if (test.suffix === null) return host === test.exact;
  return host.length > test.suffix.length && host.endsWith(test.suffix);
}
