import { runCli } from '../../../src/runtime/cli/cli.ts';
import { memoryContext } from '../../helpers/cli.ts';
import { configFolder } from '../../helpers/config-folder.ts';
import { load, mistakesOf, plainRoutes } from './config-files.ts';

const inFront = (target: string): string => `
listeners:
  - {name: ambassador, address: "localhost:5000"}
  - {name: inbound, address: "*:8081", target: "${target}"}
`;
const routes = `${plainRoutes}
rules:
  - {name: qa, match: {headers: {environment: qa}}, target: qa}
  - {name: health, match: {listeners: [inbound], paths: [/health]}, target: prod}
`;

async function ruleFor(listener: string, ...args: string[]): Promise<unknown> {
  const folder = configFolder({ 'outrider.yaml': inFront('http://localhost:8080'), 'routes.yaml': routes });
  const context = memoryContext();
  await runCli(['explain', '--config', folder, '--json', '--listener', listener, ...args], context);
  expect(context.errors).toEqual([]);
  return JSON.parse(context.lines.join('\n'));
}

describe('a listener whose target is a URL', () => {
  test('needs no target in routes.yaml, and keeps the Host that the application was asked for', () => {
    const { settings } = load({ 'outrider.yaml': inFront('http://localhost:8080'), 'routes.yaml': plainRoutes });
    expect(settings.process.listeners[1]).toMatchObject({ name: 'inbound', target: 'inbound' });
    expect(settings.routes.targets.find(({ name }) => name === 'inbound')).toMatchObject({
      urls: [{ url: 'http://localhost:8080' }],
      hostHeader: 'preserve',
    });
  });

  test('sends what comes in to it past the rules for what the application sends', async () => {
    const header = ['-H', 'environment: qa', '/orders'];
    expect(await ruleFor('ambassador', ...header)).toMatchObject({ rule: 'qa', target: 'qa' });
    expect(await ruleFor('inbound', ...header)).toMatchObject({ rule: 'default', target: 'inbound' });
  });

  test('meets the rules that name it', async () => {
    expect(await ruleFor('inbound', '/health')).toMatchObject({ rule: 'health', target: 'prod' });
  });

  test('is enough without any routes', () => {
    const alone = 'listeners: [{name: inbound, address: "*:8081", target: "http://localhost:8080"}]';
    expect(load({ 'outrider.yaml': alone }).settings.routes.targets.map(({ name }) => name)).toEqual(['inbound']);
  });

  test('may be open to others in front of rules that use credentials and are not for it', () => {
    const secret = `${routes.replace('target: qa}', 'target: qa, request: {headers: {set: {authorization: x}}}}')}`;
    expect(() => load({ 'outrider.yaml': inFront('http://localhost:8080'), 'routes.yaml': secret })).not.toThrow();
  });

  test('is refused where it is no URL that can be asked, or a target has its name', () => {
    expect(mistakesOf(() => load({ 'outrider.yaml': inFront('ftp://app'), 'routes.yaml': plainRoutes }))).toEqual([
      'outrider.yaml:4:48: listeners[1].target: found "ftp://app"; expected http://host:port or https://host:port',
    ]);
    const twice = plainRoutes.replace('qa:', 'inbound:');
    expect(mistakesOf(() => load({ 'outrider.yaml': inFront('http://app'), 'routes.yaml': twice }))).toEqual([
      'outrider.yaml:4:48: listeners[1].target: a URL makes a target of the listener\'s name, and targets has a "inbound" already',
    ]);
  });
});
