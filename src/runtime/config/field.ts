/** The pieces that the definition is made of: names, addresses, URLs, header values, keys of a later version. */
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { parseTemplate, TemplateError } from '../../dispatch/template.ts';
import { didYouMean, shown } from './suggest.ts';

/** RFC 9110 section 5.6.2. */
export const tokenForm = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** A name is a metric label and part of API paths. */
const nameForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
/** RFC 9110 section 5.5: a tab is the only one that a field value may have. Beyond ASCII it is sent as UTF-8. */
const controlCharacter = /[^\P{Cc}\t\u0080-\u009f]/u;
const knownMethods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];

/** In the metadata of a key whose feature comes with a later version. */
export const laterMark = 'x-later';

/**
 * A key whose feature comes with a later version: its value is validated, and refused unless it is the default, so
 * that nothing is silently ignored.
 */
export function later<S extends z.ZodType>(schema: S, fallback: z.core.util.NoUndefined<z.core.input<S>>) {
  const standing = schema.parse(fallback);
  const error = `not in this version: leave it out, or at its default ${JSON.stringify(fallback)}`;
  return schema
    .prefault(fallback)
    .refine((value) => isDeepStrictEqual(value, standing), { error })
    .meta({ [laterMark]: true });
}

export function name(what: string) {
  return z.string().regex(nameForm, {
    error: ({ input }) => `found ${shown(input)}; ${what} has letters, digits, dots, _ and -, at most 63, no - first`,
  });
}

/** A path of a file, or empty. */
export const filePath = z
  .string()
  .regex(/^[^\0]*$/, 'a path has no NUL')
  .prefault('');

export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER) {
  return z.int().min(min).max(max);
}

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** `localhost:5000`, `*:5090`, `10.0.0.1:80`, `[::1]:80`; null for anything else. Port 0: any free one. */
export function parseAddress(text: string): HostAndPort | null {
  const [, host, digits] = /^(\*|\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+):(\d{1,9})$/.exec(text) ?? [];
  if (host === undefined || digits === undefined) return null;
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(digits) };
}

/** Whether only this machine, and in a pod only its containers, can connect. */
export function isLoopback(address: string): boolean {
  const host = parseAddress(address)?.host ?? '';
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

export const address = z.string().superRefine((text, context) => {
  const parsed = parseAddress(text);
  if (parsed === null) {
    context.addIssue(`found ${shown(text)}; expected host:port, such as localhost:5000 or "*:5090"`);
  } else if (parsed.port > 65535) context.addIssue(`found port ${parsed.port}; allowed: 0 to 65535`);
});

/** RFC 1123 section 2.1. */
const hostForm = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** The name of a host, not its address: what a file of names may hold. */
export const hostName = z.string().superRefine((text, context) => {
  if (hostForm.test(text) && /[a-z]/i.test(text)) return;
  context.addIssue(`found ${shown(text)}; expected the name of a host, such as billing.corp: no scheme, no port`);
});

export const broker = z.string().superRefine((text, context) => {
  const parsed = parseAddress(text);
  if (parsed === null || parsed.host === '*') {
    context.addIssue(`found ${shown(text)}; expected host:port (Kafka's usual port is 9092), no scheme`);
  } else if (parsed.port < 1 || parsed.port > 65535) {
    context.addIssue(`found port ${parsed.port}; allowed: 1 to 65535`);
  }
});

/** What is wrong with the URL of a target, or null. */
export function urlMistake(text: string): string | null {
  const found = `found ${shown(text.replace(/\/\/[^/@]*@/, '//***@'))}`;
  if (!/^https?:\/\/[^/]/i.test(text)) return `${found}; expected http://host:port or https://host:port`;
  if (/[\s\\]/.test(text)) return `${found}; a URL has no spaces and no backslashes`;
  if (!URL.canParse(text)) return `${found}; not a URL (is the port between 1 and 65535?)`;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || /^https?:\/\/[^/]*@/i.test(text)) {
    return `${found}; no user and password here: set an authorization header from a file`;
  }
  if (text.includes('?') || text.includes('#')) return `${found}; only a path may follow the host`;
  return url.port === '0' ? `${found}; allowed ports: 1 to 65535` : null;
}

export const url = z.string().superRefine((text, context) => {
  const mistake = urlMistake(text);
  if (mistake !== null) context.addIssue(mistake);
});

/** Text where YAML may have made a number or a boolean of it. */
export function quoted(what: string) {
  return z.string({ error: ({ input }) => `found ${shown(input)}; ${what} is text: quote it` });
}

/** What is wrong with a template as the value of a header, or null. */
export function headerValueMistake(text: string): string | null {
  const forbidden = controlCharacter.exec(text);
  if (forbidden === null) return templateMistake(text);
  const code = forbidden[0].codePointAt(0) ?? 0;
  return `the character U+${code.toString(16).toUpperCase().padStart(4, '0')} can't be in a header value`;
}

export function templateMistake(text: string): string | null {
  try {
    parseTemplate(text);
    return null;
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    return `found ${shown(text)}; ${error.message}, at character ${error.offset + 1}`;
  }
}

export const headerValue = quoted('a header value').superRefine((text, context) => {
  const mistake = headerValueMistake(text);
  if (mistake !== null) context.addIssue(mistake);
});

export const template = quoted('a template').superRefine((text, context) => {
  const mistake = templateMistake(text);
  if (mistake !== null) context.addIssue(mistake);
});

export const headerName = z.string().regex(tokenForm, {
  error: ({ input }) => `found ${shown(input)}; the name of a header has no spaces, colons or other separators`,
});

export const method = z
  .string()
  .regex(tokenForm, 'not a method')
  .superRefine((text, context) => {
    if (knownMethods.includes(text.toUpperCase()) && text !== text.toUpperCase()) {
      context.addIssue(`found "${text}"; methods are case-sensitive${didYouMean(text, knownMethods)}`);
    }
  });
