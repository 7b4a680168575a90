import { startOutrider } from '../helpers/outrider.ts';
import { closedPort } from '../helpers/ports.ts';
import { waitFor } from '../helpers/wait.ts';

const openAfterOne = { failures: 1, openFor: '1h' };
const TARGET_METRICS = ['target_healthy', 'circuit_breaker_state', 'target_connections'];

test('a target that a new configuration no longer has leaves no gauge behind, and its breaker no alert', async () => {
  const url = `http://127.0.0.1:${await closedPort()}`;
  const stays = { stays: url };
  const outrider = await startOutrider({
    routes: { targets: { ...stays, goes: { urls: [{ url }], circuitBreaker: openAfterOne } }, default: 'goes' },
  });
  const samples = async (target: string) => {
    const metrics = await outrider.metrics();
    return TARGET_METRICS.flatMap((name) => metrics.select(name, { target }));
  };
  await fetch(outrider.url);
  await waitFor(async () => (await outrider.metrics()).value('circuit_breaker_state', { target: 'goes' }) === 2, {
    what: 'the breaker to open',
  });
  expect(await samples('goes')).toHaveLength(5);
  outrider.editRoutes({ targets: stays, default: 'stays' });
  await waitFor(async () => (await samples('goes')).length === 0, { what: 'its gauges to go' });
  expect(await samples('stays')).toHaveLength(5);
});
