/** Content of XML and HTML elements with secret names, also of markup that stands escaped within other markup. */
import { spend } from './redact-budget.ts';

const MARK = '[redacted]';
const TAG = /<(\/?)([A-Za-z_][\w.:-]{0,127})(?:((?:\s[^<>]*)?)>|(?=[\s/&]))/g;
/** None reaches over the start of another: each character is read for one tag only. */
const ESCAPED_TAG = /&lt;(\/?)([A-Za-z_][\w.:-]{0,127})(?:((?:\s(?:[^<>&]|&(?![lg]t;)){0,1000})?)&gt;|(?=[\s/&<]))/g;
/** `<add key="password" value="…"/>` */
const ATTRIBUTE = /=\s{0,8}(?:"([^"]{1,128})"|'([^']{1,128})'|([^\s"'<>=]{1,128}))/g;
const VALUES = /(\s(?:value|val|content|default)\s{0,8}=\s{0,8})(?:"[^"]*"|'[^']*'|[^\s"'<>]+)/gi;
/** They have no content. */
const VOID = /^(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr)$/i;

/** `<name>token</name><value>…</value>` of XML-RPC, `<key>token</key><string>…</string>` of property lists. */
const LABEL = /^(?:name|key|field|param|parameter|header)$/i;
const LABELLED = /^(?:value|values|val|content|string|data)$/i;

interface Markup {
  readonly tag: RegExp;
  readonly open: string;
  readonly isSecretField: (name: string) => boolean;
}

interface SecretTag {
  readonly name: string;
  readonly attributes: string;
  readonly whole: string;
  readonly at: number;
  /** Its content is secret, not that of an attribute alone. */
  readonly bySelf: boolean;
}

/** Where elements end, by the place of their start. */
interface Ends {
  /** The end that belongs to it, elements of its name within it left out. */
  readonly own: ReadonlyMap<number, number>;
  /** The next end of its name. */
  readonly next: ReadonlyMap<number, number>;
}

/** Starts of one name that wait for an end. */
interface Waiting {
  readonly own: number[];
  next: number[];
}

export function redactElements(text: string, isSecretField: (name: string) => boolean): string {
  const shown = text.includes('<') ? redactMarkup(text, { tag: TAG, open: '<', isSecretField }) : text;
  if (!shown.includes('&lt;')) return shown;
  return redactMarkup(shown, { tag: ESCAPED_TAG, open: '&lt;', isSecretField });
}

/** Three passes, each over the text once: bodies come from anyone. */
function redactMarkup(text: string, markup: Markup): string {
  const secrets = secretTags(text, markup);
  if (secrets.length === 0) return text;
  const ends = endsOf(text, markup.tag, new Set(secrets.map(({ name }) => name)));
  let shown = '';
  let copied = 0;
  for (const { name, attributes, whole, at, bySelf } of secrets) {
    if (at < copied) continue;
    const from = at + whole.length;
    const head = attributes === '' ? whole : whole.replace(VALUES, `$1"${MARK}"`);
    let to = attributes.endsWith('/') ? from : ends.own.get(at);
    if (to === undefined && bySelf) to = text.length;
    to ??= ends.next.get(at) ?? endOfText(text, from, name, markup.open);
    const content = text.slice(from, to);
    shown += text.slice(copied, at) + head + (content.trim() === '' ? content : MARK);
    copied = to;
  }
  return shown + text.slice(copied);
}

/** Of an element that has no end: where the next tag begins. */
function endOfText(text: string, from: number, name: string, open: string): number {
  if (VOID.test(name)) return from;
  const next = text.indexOf(open, from);
  return next < 0 ? text.length : next;
}

function secretTags(text: string, { tag, isSecretField }: Markup): readonly SecretTag[] {
  const secrets: SecretTag[] = [];
  /** Where the text of a label begins whose end is the next tag. */
  let label = -1;
  let isLabelled = false;
  tag.lastIndex = 0;
  for (let found = tag.exec(text); found !== null; found = tag.exec(text)) {
    const [whole, slash, name = '', attributes] = found;
    spend(whole.length);
    const at = found.index;
    if (slash === '/' && label >= 0) isLabelled = at - label <= 128 && isSecretField(text.slice(label, at).trim());
    label = -1;
    if (slash !== '' || attributes === undefined) continue;
    if (LABEL.test(name)) label = at + whole.length;
    const labelled = isLabelled && LABELLED.test(name);
    isLabelled = false;
    const bySelf = labelled || isSecretField(name.slice(name.lastIndexOf(':') + 1));
    if (bySelf || namesSecret(attributes, isSecretField)) secrets.push({ name, attributes, whole, at, bySelf });
  }
  return secrets;
}

function namesSecret(attributes: string, isSecretField: (name: string) => boolean): boolean {
  if (attributes.length < 4) return false;
  ATTRIBUTE.lastIndex = 0;
  for (let found = ATTRIBUTE.exec(attributes); found !== null; found = ATTRIBUTE.exec(attributes)) {
    if (isSecretField(found[1] ?? found[2] ?? found[3] ?? '')) return true;
  }
  return false;
}

function endsOf(text: string, tag: RegExp, names: ReadonlySet<string>): Ends {
  const own = new Map<number, number>();
  const next = new Map<number, number>();
  const waiting = new Map<string, Waiting>();
  tag.lastIndex = 0;
  for (let found = tag.exec(text); found !== null; found = tag.exec(text)) {
    const [whole, slash, name = '', attributes = '/'] = found;
    spend(whole.length);
    if (!names.has(name)) continue;
    const starts = waiting.get(name) ?? { own: [], next: [] };
    waiting.set(name, starts);
    if (slash === '/') {
      const start = starts.own.pop();
      if (start !== undefined) own.set(start, found.index);
      for (const each of starts.next) next.set(each, found.index);
      starts.next = [];
    } else if (!attributes.endsWith('/')) {
      starts.own.push(found.index);
      starts.next.push(found.index);
    }
  }
  return { own, next };
}
