/** A port that answers no connect, as a host does that is down: a full backlog that nobody ever takes from. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { cleanUp } from './cleanup.ts';

/** Listens, then never again looks at what comes. */
const NEVER_ACCEPT = `
const { createServer } = require('node:net');
const { writeSync } = require('node:fs');
const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  writeSync(1, server.address().port + '\\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});`;
/** On this machine a connect takes well under a millisecond. */
const HANGS_MS = 200;
const MOST = 10;

export async function startBlackhole(): Promise<number> {
  const child = spawn(process.execPath, ['-e', NEVER_ACCEPT], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanUp(() => void child.kill('SIGKILL'));
  const [line] = await once(child.stdout, 'data');
  const port = Number(String(line));
  for (let i = 0; i < MOST; i++) if (!(await connects(port))) return port;
  throw new Error('the backlog is not full');
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    cleanUp(() => void socket.destroy());
    socket.on('error', () => resolve(false));
    socket.on('connect', () => resolve(true));
    setTimeout(() => resolve(false), HANGS_MS);
  });
}
