/**
 * Very many callers in a process of their own, for one process may have only so many files open. Each sends one request
 * and keeps its connection. `crowd.ts PORT COUNT`: tells on standard output how many are answered, and how many closed.
 */
import { connect } from 'node:net';

const [port = 0, count = 0] = process.argv.slice(2).map(Number);
/** Connects under way at a time: the queue of a listener is finite. */
const AT_ONCE = 100;
const REQUEST = 'GET /crowd HTTP/1.1\r\nHost: crowd\r\n\r\n';

let started = 0;
let answered = 0;
let closed = 0;

function tell(): void {
  process.stdout.write(`${JSON.stringify({ answered, closed })}\n`);
}

/** The next one starts when this one knows where it stands. */
function start(): void {
  if (started === count) return;
  started += 1;
  // Of many addresses, as if from many machines: 127.0.0.0/8 is all this one.
  const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.1.${1 + (started % 200)}` });
  let isAnswered = false;
  socket.on('connect', () => socket.write(REQUEST));
  socket.on('data', (chunk) => {
    if (isAnswered || !String(chunk).includes('200 OK')) return;
    isAnswered = true;
    answered += 1;
    start();
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    closed += 1;
    if (!isAnswered) start();
  });
}

for (let n = 0; n < AT_ONCE; n += 1) start();
setInterval(tell, 50);
