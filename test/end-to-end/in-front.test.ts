/** A listener whose target is a URL: Outrider in front of the application, too. */
import { request } from 'node:http';
import { startTarget, type Target, type TargetHandler } from '../helpers/node-target.ts';
import { type Outrider, startOutrider } from '../helpers/outrider.ts';

const LISTENERS = (application: string) => [
  { name: 'ambassador', address: 'localhost:0' },
  { name: 'inbound', address: 'localhost:0', auth: 'none', target: application },
];

/** Sends each request on as it came, as nginx does: its Via, its Host and whatever else it has not heard of. */
function passOn(outrider: () => Outrider): TargetHandler {
  return (received, response) => {
    const { headers, method, uri: path } = received;
    const { port } = outrider();
    const onwards = request({ host: '127.0.0.1', port, path, method, headers: { ...headers, connection: 'close' } });
    onwards.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 500, { connection: 'close' });
      answer.pipe(response);
    });
    onwards.end();
  };
}

async function startBoth(qa: Target): Promise<{ outrider: Outrider; application: Target }> {
  const started: Outrider[] = [];
  const application = await startTarget(
    passOn(() => {
      const [outrider] = started;
      if (outrider === undefined) throw new Error('it is not started');
      return outrider;
    }),
  );
  const outrider = await startOutrider({
    outrider: { listeners: LISTENERS(application.url) },
    routes: {
      targets: { qa: qa.url, prod: 'http://127.0.0.1:9' },
      rules: [{ name: 'qa', match: { headers: { environment: 'qa' } }, target: 'qa' }],
      default: 'prod',
    },
  });
  started.push(outrider);
  return { outrider, application };
}

test('what comes in goes to the application with its Host, and what that sends on goes by the rules', async () => {
  const qa = await startTarget();
  const { outrider, application } = await startBoth(qa);
  const headers = { environment: 'qa', connection: 'close' };
  const answer = await fetch(`${outrider.urlOf('inbound')}/orders`, { headers });
  expect(answer.status).toBe(200);
  expect(application.last().headers.host).toBe(new URL(outrider.urlOf('inbound')).host);
  expect(qa.requests).toHaveLength(1);
  expect(qa.last().headers.via).toMatch(/^1\.1 outrider-[0-9a-f]{8}, 1\.1 outrider-[0-9a-f]{8}$/);
});

test('a request that the application could not take is kept', async () => {
  const { outrider, application } = await startBoth(await startTarget());
  await application.stop();
  const headers = { environment: 'qa', connection: 'close' };
  const answer = await fetch(`${outrider.urlOf('inbound')}/orders`, { method: 'POST', body: 'order=7', headers });
  expect(answer.status).toBe(502);
  const record = await outrider.record(answer.headers.get('outrider-record') ?? '');
  expect(record).toMatchObject({ listener: 'inbound', target: 'inbound', rule: 'default', body: 'order=7' });
});

test('an application that calls itself through Outrider again and again is stopped', async () => {
  const application = await startTarget();
  const outrider = await startOutrider({
    outrider: { listeners: LISTENERS(application.url) },
    routes: { targets: { prod: application.url }, default: 'prod' },
  });
  const first = await fetch(outrider.urlOf('inbound'), { headers: { connection: 'close' } });
  expect(first.status).toBe(200);
  const via = application.last().headers.via ?? '';
  const again = await fetch(outrider.urlOf('inbound'), { headers: { connection: 'close', via } });
  expect(again.status).toBe(508);
  expect((await fetch(outrider.url, { headers: { connection: 'close', via } })).status).toBe(200);
});
