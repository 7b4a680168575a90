// A target that says its name and what reached it: node target.mjs NAME [PORT].
import { createServer } from 'node:http';

const [name = 'target', port = '8080'] = process.argv.slice(2);
const server = createServer((request, response) => {
  const { method, url: uri, headers } = request;
  request.resume().on('end', () => {
    response.setHeader('content-type', 'application/json');
    response.end(`${JSON.stringify({ target: name, method, uri, headers }, null, 2)}\n`);
  });
});
server.listen(Number(port), () => console.log(`${name} listens on port ${server.address().port}`));
// Process 1 of a container has no default for it.
process.on('SIGTERM', () => process.exit(0));
