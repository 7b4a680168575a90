/** What Node's parser says about bytes that are no request, as a refusal. */
import type { Socket } from 'node:net';
import type { Refusal } from './guard.ts';

export type ClientError = NodeJS.ErrnoException & { readonly rawPacket?: Buffer };

export function refusalOf({ code }: ClientError, lineTooLong: boolean): Refusal {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return lineTooLong
        ? { status: 414, kind: 'requestLine', detail: 'The request line is too long.' }
        : { status: 431, kind: 'headerBytes', detail: 'The head of the request is too large.' };
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return { status: 413, kind: 'chunkExtensions', detail: 'Too many bytes of chunk extensions.' };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, kind: 'headTimeout', detail: 'The head of the request did not arrive in time.' };
    default:
      return { status: 400, kind: 'parse', detail: 'This is not a request of HTTP/1.1 (RFC 9112).' };
  }
}

/** As far as the first packet of a connection shows it: the parser doesn't say what it was reading. */
export function isLineTooLong({ rawPacket }: ClientError, socket: Socket, limit: number): boolean {
  if (rawPacket === undefined || socket.bytesRead !== rawPacket.length) return false;
  const end = rawPacket.indexOf('\n');
  return end < 0 || end > limit;
}
