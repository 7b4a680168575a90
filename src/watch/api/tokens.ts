/** Bearer tokens (RFC 6750) from files. The files are read at each request: an admin API is asked seldom, and a token
 * that was replaced or taken away must not work a moment longer. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RequestHandler } from 'express';
import { errorCode } from '../error-text.ts';
import { isLoopback } from './origin.ts';
import { Problem } from './problem.ts';

export interface TokenFiles {
  /** Path, or '' for none: then reading needs no token, but comes from this machine or pod only, and by no proxy. */
  readonly read: string;
  /** May read too. */
  readonly operate: string;
}

/** What a proxy adds, Outrider among them. */
const FORWARDING = ['via', 'forwarded', 'x-forwarded-for'];
const CHALLENGE = { 'www-authenticate': 'Bearer realm="outrider"' };

/** Lets a request through that carries a token for reading. */
export function requireReader({ read, operate }: TokenFiles): RequestHandler {
  return (request, _response, next) => {
    if (read === '') {
      if (!isLoopback(request.socket.remoteAddress ?? '')) {
        throw new Problem(403, 'from another host a token is needed: set admin.tokens.read');
      }
      // A target that is this very address: whoever calls the listener before it may be anywhere.
      if (FORWARDING.some((name) => request.headers[name] !== undefined)) {
        throw new Problem(403, 'through a proxy a token is needed: set admin.tokens.read');
      }
      next();
      return;
    }
    const given = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(request.headers.authorization ?? '')?.[1];
    if (given === undefined) throw new Problem(401, 'a bearer token is needed', CHALLENGE);
    const accepted = [read, operate].filter((file) => file !== '').flatMap(readTokens);
    // Every token is compared, so that the time taken tells nothing about which one was nearly right.
    const matches = accepted.filter((token) => equalInConstantTime(token, given));
    if (matches.length === 0) throw new Problem(401, 'this token is not accepted', CHALLENGE);
    next();
  };
}

/** One token a line, so that a new one can be added before the old one goes. */
function readTokens(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  } catch (error) {
    throw new Problem(503, `a token file can't be read (${errorCode(error)}); see admin.tokens`);
  }
}

function equalInConstantTime(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
