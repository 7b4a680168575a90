/** Doors left open. */
import type { Sabotage } from './sabotage.ts';

const AUTH = 'test/security/auth.test.ts';
const EGRESS = 'test/replay/egress.test.ts';

export const SECURITY_SABOTAGES: readonly Sabotage[] = [
  {
    name: 'the credential of a caller goes on to the target and into the record',
    file: 'src/accept/auth.ts',
    find: '    rawHeaders.splice(i, 2);\n    i -= 2;\n',
    replace: '',
    caughtBy: { file: AUTH, title: 'a token of the file comes in' },
  },
  {
    name: 'a second Authorization field is taken out unseen',
    file: 'src/accept/auth.ts',
    find: 'if (given.length > 1)',
    replace: 'if (given.length > 2)',
    caughtBy: { file: AUTH, title: 'two fields' },
  },
  {
    name: 'a token that was taken away still works',
    file: 'src/accept/credentials.ts',
    find: 'if (stamp === this.stamp) return;',
    replace: "if (this.stamp !== '') return;",
    caughtBy: { file: AUTH, title: 'a file that changes' },
  },
  {
    name: 'an upgrade needs no credentials',
    file: 'src/accept/node-server.ts',
    find: 'if (gate === null || isRefusal(inspected)) return inspected;',
    replace: 'if (gate === null || isRefusal(inspected) || request.headers.upgrade !== undefined) return inspected;',
    caughtBy: { file: AUTH, title: 'a tunnel needs the credentials' },
  },
  {
    name: 'an open listener may lend credentials without a word',
    file: 'src/runtime/config/check-auth.ts',
    find: '    if (place === null) return [];',
    replace: '    if (place !== null) return [];',
    caughtBy: { file: 'test/runtime/config/check-auth.test.ts', title: '' },
  },
  {
    name: 'templates follow links out of their folder',
    file: 'src/runtime/config/template-files.ts',
    find: 'if (secret || !inside)',
    replace: 'if (secret)',
    caughtBy: { file: 'test/runtime/config/template-files.test.ts', title: 'is not followed' },
  },
  {
    name: 'a path that is encoded twice gets past an allowlist',
    file: 'src/dispatch/path.ts',
    find: 'return !odd || !isDisguised(uri.slice(0, end));',
    replace: 'return true;',
    caughtBy: { file: 'test/security/paths.test.ts', title: '' },
  },
  {
    name: 'dot segments lead out of the path of a target',
    file: 'src/forward/plan.ts',
    find: 'if (leavesPrefix(rule.target, head.uri)) throw new PathError();',
    replace: '',
    caughtBy: { file: 'test/security/paths.test.ts', title: 'behind a target whose URL has a path' },
  },
  {
    name: 'a name whose first address is public may have others',
    file: 'src/replay/egress.ts',
    find: 'for (const text of texts) {',
    replace: 'for (const text of texts.slice(0, 1)) {',
    caughtBy: { file: EGRESS, title: 'S0' },
  },
  {
    name: 'an address in place of a name is connected to unseen',
    file: 'src/replay/node-egress.ts',
    find: 'isIP(host) === 0 ? null',
    replace: 'isIP(host) >= 0 ? null',
    caughtBy: { file: 'test/replay/node-egress.test.ts', title: 'S01' },
  },
  {
    name: 'an IPv4 address inside an IPv6 one is public',
    file: 'src/replay/egress.ts',
    find: 'if (EMBEDDING.has(range) || ',
    replace: 'if (',
    caughtBy: { file: EGRESS, title: 'S01' },
  },
  {
    name: 'the admin API takes who comes through a proxy for somebody of this machine',
    file: 'src/watch/api/tokens.ts',
    find: 'request.headers[name] !== undefined',
    replace: 'request.headers[name] === name',
    caughtBy: { file: 'test/watch/api/admin.test.ts', title: 'what came through a proxy' },
  },
  {
    name: 'a Forwarded of the caller goes on as it came',
    file: 'src/forward/headers.ts',
    find: "      case FIELD.forwarded:\n        if (policy.forwarded !== 'append') break;\n",
    replace: '      case FIELD.forwarded:\n        if (policy.forwarded !== null) break;\n',
    caughtBy: { file: 'test/forward/headers.test.ts', title: 'H16 a Forwarded of the caller' },
  },
  {
    name: 'extensions of chunks may be as long as they like',
    file: 'src/accept/chunk-extensions.ts',
    find: 'return read - data > ',
    replace: 'return read - data < 0 && read > ',
    caughtBy: { file: 'test/accept/wire-cases.test.ts', title: 'F13 bytes of extensions' },
  },
  {
    name: 'who holds every connection of the metrics port keeps the probes out',
    file: 'src/watch/node-listen.ts',
    find: 'if (open.size > MAX_CONNECTIONS) oldest?.destroy();',
    replace: 'if (open.size > MAX_CONNECTIONS && oldest !== undefined) socket.destroy();',
    caughtBy: { file: 'test/watch/node-metrics-server.test.ts', title: 'whoever holds all connections' },
  },
];
