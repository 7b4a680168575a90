// node:http in front, undici behind, and nothing else: the least that a proxy on Node.js can cost.
import { createServer } from 'node:http';
import { Pool } from 'undici';

const [port, targetUrl] = process.argv.slice(2);
const pool = new Pool(targetUrl, { connections: 256, pipelining: 1, allowH2: false });
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function endToEnd(raw, text) {
  const fields = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = text(raw[i]);
    if (!HOP_BY_HOP.has(name.toLowerCase())) fields.push(name, text(raw[i + 1]));
  }
  return fields;
}

const asIs = (text) => text;
const latin1 = (bytes) => bytes.latin1Slice(0, bytes.length);

class Exchange {
  constructor(response) {
    this.response = response;
    this.last = null;
  }
  onRequestStart(controller) {
    this.controller = controller;
  }
  onResponseStart(controller, status) {
    this.response.writeHead(status, endToEnd(controller.rawHeaders, latin1));
  }
  onResponseData(controller, chunk) {
    if (this.last !== null && !this.response.write(this.last)) {
      controller.pause();
      this.response.once('drain', () => controller.resume());
    }
    this.last = chunk;
  }
  onResponseEnd() {
    if (this.last === null) this.response.end();
    else this.response.end(this.last);
  }
  onResponseError(_controller, error) {
    this.response.destroy(error);
  }
}

createServer((request, response) => {
  if (request.headers.environment !== 'qa') return response.writeHead(404).end();
  const headers = endToEnd(request.rawHeaders, asIs);
  headers.push('x-added', 'by-the-proxy');
  const hasBody = 'content-length' in request.headers || 'transfer-encoding' in request.headers;
  const { method, url: path } = request;
  pool.dispatch({ path, method, headers, body: hasBody ? request : null }, new Exchange(response));
}).listen(Number(port), '127.0.0.1');
