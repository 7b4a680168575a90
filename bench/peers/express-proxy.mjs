// The dispatch that people write: Express and http-proxy-middleware, with a counter.
import { Agent } from 'node:http';
import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { Counter } from 'prom-client';

const [port, targetUrl] = process.argv.slice(2);
const targets = new Map([['qa', targetUrl]]);
const requests = new Counter({ name: 'requests_total', help: 'Requests', labelNames: ['environment', 'code'] });

const proxy = createProxyMiddleware({
  router: (request) => targets.get(request.headers.environment),
  target: targetUrl,
  changeOrigin: true,
  // Without it, a connection is opened for every request.
  agent: new Agent({ keepAlive: true, maxSockets: 256 }),
  on: {
    proxyReq: (outgoing) => outgoing.setHeader('x-added', 'by-the-proxy'),
    proxyRes: (answer, request) =>
      requests.inc({ environment: request.headers.environment, code: String(answer.statusCode) }),
  },
});

express()
  .disable('x-powered-by')
  .use((request, response, next) => {
    if (targets.has(request.headers.environment)) next();
    else response.sendStatus(404);
  })
  .use(proxy)
  .listen(Number(port), '127.0.0.1');
