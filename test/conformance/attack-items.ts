/** Many short messages in few lines: between `¦` or line ends, with the escapes of a string, `<HOST>` and `<BEHIND>`. */
import type { Enforce, Message } from './corpus.ts';

export const HOST = 'Host: a.test\r\n';
/** A request that must be nobody's: to be behind or in another one. */
export const BEHIND = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`;

/** White space at the ends of an item is none of it; `\x20` is. */
export function items({ raw }: TemplateStringsArray): string[] {
  const texts = raw
    .join('')
    .trim()
    .split(/ *¦ *|\n */);
  return texts.map((text) => unescaped(text).replaceAll('<HOST>', HOST).replaceAll('<BEHIND>', BEHIND));
}

const ESCAPES: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '0': '\0', '\\': '\\' };

const unescaped = (text: string): string =>
  text.replace(/\\(?:x(..)|(.))/g, (_, hex: string | undefined, letter: string | undefined) =>
    hex === undefined ? (ESCAPES[letter ?? ''] ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
  );

export function messagesOf(enforce: Enforce, title: string, texts: readonly string[]): Message[] {
  return texts.map((text) => {
    const shown = text.length > 300 ? `${text.slice(0, 100)}… (${text.length} bytes)` : text;
    return { id: `${title} ${JSON.stringify(shown)}`, title, bytes: Buffer.from(text, 'latin1'), enforce };
  });
}
