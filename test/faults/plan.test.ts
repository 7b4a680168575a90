import { type Operation, planOf } from './plan.ts';
import { sizeFrom } from './size.ts';

const planWith = (seed: number): Operation[] =>
  planOf(sizeFrom({ OUTRIDER_FAULTS: JSON.stringify({ full: true, seed }) }));

/** In words; empty for a plan that can be followed. */
function mistakesIn(plan: readonly Operation[]): string[] {
  const mistakes: string[] = [];
  const broken = { disk: false, broker: false };
  const turn = (what: 'disk' | 'broker', now: boolean): void => {
    if (broken[what] === now) mistakes.push(`the ${what} is ${now ? 'broken' : 'mended'} twice`);
    broken[what] = now;
  };
  for (const { kind } of plan) {
    if (kind === 'diskFull' || kind === 'diskFree') turn('disk', kind === 'diskFull');
    if (kind === 'brokerDown' || kind === 'brokerUp') turn('broker', kind === 'brokerDown');
    if (broken.disk && (kind === 'fsyncError' || kind === 'slowDisk')) mistakes.push(`${kind} on a full disk`);
  }
  if (broken.disk || broken.broker) mistakes.push('something stays broken');
  return mistakes;
}

test('the same seed gives the same plan, another one another', () => {
  expect(planWith(7)).toEqual(planWith(7));
  expect(planWith(7)).not.toEqual(planWith(8));
});

test('whatever the seed, a plan has all that is promised, and what is broken is mended before it is broken again', () => {
  const promised = { kill: 60, end: 8, brokerDown: 7, diskFull: 2, fsyncError: 2, slowDisk: 2, configEdit: 8 };
  for (let seed = 0; seed < 300; seed += 1) {
    const plan = planWith(seed);
    const kinds = Object.fromEntries(
      Object.keys(promised).map((wanted) => [wanted, plan.filter(({ kind }) => kind === wanted).length]),
    );
    expect([seed, kinds, mistakesIn(plan)]).toEqual([seed, promised, []]);
  }
});
