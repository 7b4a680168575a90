import { readFileSync } from 'node:fs';
import { causeOf } from './error-words.ts';
import { get } from './node-get.ts';
import { CommandFailure, UsageError } from './usage-error.ts';

const TIMEOUT_MS = 10_000;

export interface AdminOptions {
  /** Base URL of the admin API. */
  readonly admin: string;
  readonly tokenFile?: string;
}

/**
 * Asks the admin API of a running Outrider.
 *
 * @param path with query, `/api/…`
 * @returns the JSON it answered; its shape is for the caller to check
 * @throws UsageError for an address that is no URL or a token that can't be read
 * @throws CommandFailure when nobody answers, or answers other than 200
 */
export async function getJson(path: string, options: AdminOptions): Promise<unknown> {
  const url = adminUrl(path, options.admin);
  const headers = { accept: 'application/json', ...authorization(options.tokenFile) };
  const answer = await get(url, headers, TIMEOUT_MS).catch((error: unknown) => {
    throw new CommandFailure(
      `no answer from ${options.admin} (${causeOf(error)}): is Outrider running there? see --admin`,
    );
  });
  const { text } = answer;
  if (answer.status !== 200) throw new CommandFailure(`${url.pathname} answered ${answer.status}: ${detailOf(text)}`);
  try {
    return JSON.parse(text);
  } catch {
    throw new CommandFailure(`${url.origin} answered no JSON: is this the admin address of Outrider? see --admin`);
  }
}

function adminUrl(path: string, base: string): URL {
  const text = /^https?:\/\//.test(base) ? base : `http://${base}`;
  if (!URL.canParse(path, text))
    throw new UsageError(`--admin ${base} is no URL; give for example http://localhost:5091`);
  return new URL(path, text);
}

/** Tokens are read from files: an argument would show in the list of processes. */
function authorization(tokenFile: string | undefined): Record<string, string> {
  if (tokenFile === undefined) return {};
  try {
    return { authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}` };
  } catch (error) {
    throw new UsageError(`--token-file ${tokenFile} can't be read (${causeOf(error)})`);
  }
}

/** What a problem document says (RFC 9457), else the start of the text. */
function detailOf(text: string): string {
  try {
    const { title, detail } = JSON.parse(text) as { title?: string; detail?: string };
    return [title, detail].filter(Boolean).join(': ') || text.slice(0, 200);
  } catch {
    return text.slice(0, 200);
  }
}
