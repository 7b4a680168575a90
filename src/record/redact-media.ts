/** What the fields of a body claim it to be. What two readers could take for different things is `unclear`. */

export type Kind = 'json' | 'lines' | 'form' | 'multipart' | 'unclear' | 'other';

export interface MediaType {
  readonly kind: Kind;
  /** It says that its characters are bytes, but not those of UTF-8. */
  readonly isOtherText: boolean;
  /** Of a multipart type; '' without. */
  readonly boundary: string;
}

/** Encodings in which a name or a value in ASCII stands as such. */
const READABLE =
  /^(?:utf-?8|(?:us-)?ascii|iso[-_]?8859[-_]?\d{1,2}|latin-?\d{1,2}|(?:windows|cp)-?125\d|koi8-?[ru]|macintosh|euc-(?:jp|kr|cn|tw)|gb2312|gbk|gb18030|big5(?:-hkscs)?|shift[-_]jis|sjis|windows-(?:31j|874|949))$/i;

const remembered = new Map<string, MediaType>();
const MAX_REMEMBERED = 200;

/** `contentType`: values of all fields of that name, joined by `, `. */
export function mediaType(contentType: string): MediaType {
  const before = remembered.get(contentType);
  if (before !== undefined) return before;
  const media = parseMediaType(contentType);
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  if (contentType.length <= 128) remembered.set(contentType, media);
  return media;
}

function parseMediaType(contentType: string): MediaType {
  const type = (contentType.split(/[;,]/, 1)[0] ?? '').trim().toLowerCase();
  const boundaries = parameters(contentType, 'boundary');
  const charsets = parameters(contentType, 'charset');
  // Several fields, or a parameter twice: which one the target believes is not known.
  const isUnclear =
    contentType.replace(/"(?:\\.|[^"\\])*"/g, '').includes(',') ||
    charsets.length > 1 ||
    charsets.some((charset) => !READABLE.test(charset));
  const isOtherText = charsets.length === 1 && !isUnicodeName(charsets[0] ?? '');
  const kind = isUnclear ? 'unclear' : kindOf(type);
  if (kind !== 'multipart') return { kind, isOtherText, boundary: '' };
  return { kind: boundaries.length === 1 ? kind : 'unclear', isOtherText, boundary: boundaries[0] ?? '' };
}

function kindOf(type: string): Kind {
  if (/(?:ndjson|jsonl|jsonlines|json-seq|json-lines)$/.test(type)) return 'lines';
  if (/^[\w.+-]+\/(?:[\w.+-]+\+|x-)?json[\w-]*$/.test(type)) return 'json';
  if (type === 'application/x-www-form-urlencoded') return 'form';
  return type.startsWith('multipart/') ? 'multipart' : 'other';
}

/** All values of a parameter (RFC 9110 section 5.6.6), those of its RFC 2231 forms included. */
function parameters(contentType: string, name: string): string[] {
  const expression = new RegExp(
    `[;,\\s]${name}(?:\\*\\d{0,3}\\*?)?\\s*=\\s*(?:"((?:\\\\.|[^"\\\\])*)"?|([^;,\\s]+))`,
    'gi',
  );
  return Array.from(contentType.matchAll(expression), ([, quoted, token]) =>
    (quoted ?? token ?? '').replace(/\\(.)/g, '$1').replace(/^'(.*)'$/, '$1'),
  );
}

const isUnicodeName = (charset: string): boolean => /^(?:utf-?8|(?:us-)?ascii)$/i.test(charset);

/** What a document of XML says of itself: `odd` is an encoding in which nothing would be found. */
export function xmlEncoding(text: string): 'none' | 'unicode' | 'other' | 'odd' {
  const declared =
    /^[\s\uFEFF]*(?:\xef\xbb\xbf)?<\?xml[^>]{0,200}?\sencoding\s{0,8}=\s{0,8}["']([^"'>]{1,40})["']/i.exec(text)?.[1];
  if (declared === undefined) return 'none';
  if (isUnicodeName(declared)) return 'unicode';
  return READABLE.test(declared) ? 'other' : 'odd';
}
