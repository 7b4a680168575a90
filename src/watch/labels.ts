/** The labels of Outrider's metrics and the values they can take. */
import type { Reason } from '../exchange.ts';
import type { MirrorState, State } from '../record/states.ts';

/** One label. `values: null`: the values come from the configuration, and `meaning` says from where. */
export interface LabelDefinition {
  readonly name: string;
  readonly values: readonly string[] | null;
  readonly meaning: string;
}

/** What takes the place of a value that has no label of its own. */
export const OTHER = 'other';

/** Methods that get a label value of their own: RFC 9110 section 9.3 and PATCH (RFC 5789). */
export const METHODS: readonly string[] = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
];

// Records keyed by the union type: a value added to the type and forgotten here does not compile.
const REASON_KEYS: Readonly<Record<Reason, true>> = {
  connect: true,
  dns: true,
  tls: true,
  timeout: true,
  reset: true,
  protocol: true,
  truncated: true,
  overload: true,
  status: true,
  clientAbort: true,
};
const STATE_KEYS: Readonly<Record<State, true>> = {
  pending: true,
  delivering: true,
  waiting: true,
  delivered: true,
  dead: true,
  held: true,
  handedOver: true,
  purged: true,
  lost: true,
  quarantined: true,
};

const MIRROR_KEYS: Readonly<Record<MirrorState, true>> = { none: true, waiting: true, mirrored: true, parked: true };

export const isReason = (text: string): text is Reason => Object.hasOwn(REASON_KEYS, text);
export const isState = (text: string): text is State => Object.hasOwn(STATE_KEYS, text);
export const isMirror = (text: string): text is MirrorState => Object.hasOwn(MIRROR_KEYS, text);
export const REASONS: readonly Reason[] = Object.keys(REASON_KEYS).filter(isReason);
export const STATES: readonly State[] = Object.keys(STATE_KEYS).filter(isState);
export const MIRRORS: readonly MirrorState[] = Object.keys(MIRROR_KEYS).filter(isMirror);

export type CaptureOutcome = 'committed' | 'partial' | 'pending' | 'failed';
export const CAPTURE_OUTCOMES: readonly CaptureOutcome[] = ['committed', 'partial', 'pending', 'failed'];

/** Why a request was answered by Outrider itself: the kinds of accept's refusals, and what dispatch adds. */
export const REJECTIONS: readonly string[] = [
  'auth',
  'body',
  'buffers',
  'chunkExtensions',
  'coding',
  'connect',
  'connection',
  'connections',
  'expect',
  'framing',
  'headTimeout',
  'headerBytes',
  'headerCount',
  'host',
  'inFlight',
  'loop',
  'noRule',
  'parse',
  'patch',
  'requestLine',
  'spool',
  'target',
  'template',
  'upgradeBehind',
  'upgradeBody',
  'version',
  OTHER,
];

export const open = (name: string, meaning: string): LabelDefinition => ({ name, values: null, meaning });
export const closed = (name: string, meaning: string, values: readonly string[]): LabelDefinition => ({
  name,
  values,
  meaning,
});

export const listener = open('listener', 'name of a listener');
export const rule = open('rule', 'name of a rule, `default`, or `other` past `metrics.maxRules`');
export const target = open('target', 'name of a target, `none`, or `other` past `metrics.maxRules`');
export const method = open('method', `${METHODS.map((name) => `\`${name}\``).join(', ')}; anything else is \`other\``);
export const code = open('code', '`100` to `599`; `other`: the caller left before an answer');
export const reason = closed('reason', 'why the exchange failed', REASONS);
