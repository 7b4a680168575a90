/** Connections to brokers that can all be cut at once: the only way to stop kafkajs within a millisecond. */
import { connect, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

const KEEP_ALIVE_MS = 60_000;

export interface SocketRequest {
  readonly host: string;
  readonly port: number;
  /** Absent or null: plain TCP. */
  readonly ssl?: ConnectionOptions | null;
  readonly onConnect: () => void;
}

export interface BrokerSockets {
  /** Shaped as kafkajs' `socketFactory`. Throws after `cut`. */
  open(request: SocketRequest): Socket;
  /** Destroys every open connection and refuses new ones. Repeatable. */
  cut(): void;
}

export function createBrokerSockets(): BrokerSockets {
  const sockets = new Set<Socket>();
  let isCut = false;
  return {
    open(request) {
      if (isCut) throw new Error('the client was cut off');
      const socket = openSocket(request);
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      socket.setNoDelay(true);
      return socket;
    },
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy(new Error('cut off'));
    },
  };
}

function openSocket({ host, port, ssl, onConnect }: SocketRequest): Socket {
  if (!ssl) return connect({ host, port }, onConnect);
  // Server names are for names only (RFC 6066 section 3); the certificate is checked against the host either way.
  const servername = isIP(host) === 0 ? { servername: host } : {};
  return connectTls({ host, port, ...servername, ...ssl }, onConnect);
}
