/** Content of XML and HTML elements with secret names, also of markup that stands escaped within other markup. */

const MARK = '[redacted]';
const TAG = /<([A-Za-z_][\w.:-]{0,127})((?:\s[^<>]*)?)>/g;
const ESCAPED_TAG = /&lt;([A-Za-z_][\w.:-]{0,127})((?:\s[^<>]{0,1000}?)?)&gt;/g;
/** `<add key="password" value="…"/>` */
const ATTRIBUTE = /=\s{0,8}(?:"([^"]{1,128})"|'([^']{1,128})')/g;
const VALUES = /(\s(?:value|val|content|default)\s{0,8}=\s{0,8})(?:"[^"]*"|'[^']*')/gi;

interface Markup {
  readonly tag: RegExp;
  readonly open: string;
  readonly isSecretField: (name: string) => boolean;
}

export function redactElements(text: string, isSecretField: (name: string) => boolean): string {
  const shown = text.includes('<') ? redactMarkup(text, { tag: TAG, open: '<', isSecretField }) : text;
  if (!shown.includes('&lt;')) return shown;
  return redactMarkup(shown, { tag: ESCAPED_TAG, open: '&lt;', isSecretField });
}

function redactMarkup(text: string, { tag, open, isSecretField }: Markup): string {
  /** Names that are not closed any more: looked for once. */
  const unclosed = new Set<string>();
  let shown = '';
  let copied = 0;
  tag.lastIndex = 0;
  for (let found = tag.exec(text); found !== null; found = tag.exec(text)) {
    const [whole, name = '', attributes = ''] = found;
    const bySelf = isSecretField(name.slice(name.lastIndexOf(':') + 1));
    if (!bySelf && !namesSecret(attributes, isSecretField)) continue;
    const from = found.index + whole.length;
    const head = attributes === '' ? whole : whole.replace(VALUES, `$1"${MARK}"`);
    const to = attributes.endsWith('/') ? from : endOf(text, from, `${open}/${name}`, bySelf, unclosed);
    const content = text.slice(from, to);
    shown += text.slice(copied, found.index) + head + (content.trim() === '' ? content : MARK);
    copied = to;
    tag.lastIndex = to;
  }
  return copied === 0 ? text : shown + text.slice(copied);
}

function namesSecret(attributes: string, isSecretField: (name: string) => boolean): boolean {
  if (attributes.length < 4) return false;
  return Array.from(attributes.matchAll(ATTRIBUTE)).some(([, double, single]) => isSecretField(double ?? single ?? ''));
}

/** Where the content ends. Elements that need no end (`<input>`) have none without it, others reach to the text's. */
function endOf(text: string, from: number, close: string, bySelf: boolean, unclosed: Set<string>): number {
  const end = unclosed.has(close) ? -1 : text.indexOf(close, from);
  if (end < 0) {
    unclosed.add(close);
    return bySelf ? text.length : from;
  }
  return bySelf ? endOfNested(text, from, close) : end;
}

/** The last end of elements of that name that lie in each other. */
function endOfNested(text: string, from: number, close: string): number {
  const open = close.replace('/', '');
  let at = from;
  for (let depth = 1; ; depth -= 1) {
    const end = text.indexOf(close, at);
    if (end < 0) return text.length;
    for (let inner = text.indexOf(open, at); inner >= 0 && inner < end; inner = text.indexOf(open, inner + 1)) {
      if (/[\s>&]/.test(text[inner + open.length] ?? '')) depth += 1;
    }
    if (depth === 1) return end;
    at = end + close.length;
  }
}
