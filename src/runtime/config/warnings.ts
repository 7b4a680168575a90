/** What is allowed and yet worth a line in the log. */
import type { Settings } from '../../settings.ts';
import { isLoopback, parseAddress } from './field.ts';

/** One line each. */
export function warningsFor({ process, routes }: Settings): string[] {
  const warnings: string[] = [];
  const ports = process.listeners.map(({ address }) => parseAddress(address)?.port ?? 0);
  for (const { name, urls, tls } of routes.targets) {
    if (!tls.verify) warnings.push(`targets.${name}.tls.verify is false: any certificate is believed`);
    if (tls.minVersion < 'TLSv1.2') warnings.push(`targets.${name}.tls.minVersion ${tls.minVersion} has known attacks`);
    for (const { url } of urls) {
      const { hostname, port, protocol } = new URL(url);
      const number = Number(port === '' ? (protocol === 'https:' ? 443 : 80) : port);
      const own = /^(localhost|127\..*|\[::1\])$/.test(hostname) && ports.includes(number);
      if (own)
        warnings.push(`targets.${name}: ${url} looks like a listener of this Outrider: such a loop is answered 508`);
    }
  }
  const { address, tokens } = process.admin;
  if (!isLoopback(address) && (tokens.read === '' || tokens.operate === '')) {
    warnings.push(`admin.address ${address} is open to others, and admin.tokens names no file: anyone may use it`);
  }
  return warnings;
}
