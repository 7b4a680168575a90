/**
 * Who may talk to the admin API at all. A page in somebody's browser must not reach it, neither from another origin
 * nor under a name that was rebound to this address: so the Host must be one of ours, and an Origin must match it.
 */
import type { RequestHandler } from 'express';
import { parseAddress } from '../node-listen.ts';
import { Problem } from './problem.ts';

const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|::1)$/;

/** Refuses with 403 a Host that is neither loopback, the bound name nor the address the connection came to. */
export function checkHost(address: string): RequestHandler {
  const bound = parseAddress(address).host.toLowerCase();
  return (request, _response, next) => {
    const host = hostName(request.headers.host ?? '');
    const ours = LOOPBACK.test(host) || host === bound || host === plainAddress(request.socket.localAddress ?? '');
    if (!ours || host === '*' || host === '') throw new Problem(403, 'this Host is not one of the admin API');
    next();
  };
}

/** Refuses with 403 what a browser sends on behalf of another site (Fetch standard: Origin, Sec-Fetch-Site). */
export const checkOrigin: RequestHandler = (request, _response, next) => {
  const { origin, host = '' } = request.headers;
  const own = [`http://${host}`, `https://${host}`].map((text) => text.toLowerCase());
  if (origin !== undefined && !own.includes(origin.toLowerCase())) {
    throw new Problem(403, 'requests from another origin are refused');
  }
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    throw new Problem(403, 'requests from another site are refused');
  }
  next();
};

/** `localhost` of `localhost:5091`, `::1` of `[::1]:5091`; '' when it is no host. */
function hostName(field: string): string {
  const found = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::[0-9]{1,5})?$/.exec(field);
  return (found?.[1] ?? found?.[2] ?? '').toLowerCase();
}

/** IPv4 of an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2), as a server for both families sees it. */
export function plainAddress(address: string): string {
  return address.toLowerCase().replace(/^::ffff:(?=[0-9.]+$)/, '');
}

export const isLoopback = (address: string): boolean => LOOPBACK.test(plainAddress(address));
