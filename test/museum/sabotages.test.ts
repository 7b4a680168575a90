/** The museum itself runs by `npm run test:museum`; here it is only seen to that it is up to date. */
import { SABOTAGES } from './collection.ts';
import { broken, mistakeIn } from './sabotage.ts';
import { ROOT } from './tree.ts';

test.each(SABOTAGES.map((sabotage) => [sabotage.name, sabotage] as const))('"%s" can still be built', (_, sabotage) => {
  expect(mistakeIn(sabotage, ROOT)).toBe('');
});

test('each broken build has a name of its own', () => {
  expect(new Set(SABOTAGES.map(({ name }) => name)).size).toBe(SABOTAGES.length);
});

test('a text that is not there, or there twice, is told', () => {
  const [sabotage] = SABOTAGES;
  if (sabotage === undefined) throw new Error('the museum is empty');
  expect(mistakeIn({ ...sabotage, find: 'no such text' }, ROOT)).toMatch(/: 0 places in /);
  expect(mistakeIn({ ...sabotage, find: 'the' }, ROOT)).toMatch(/: [1-9][0-9]* places in /);
  expect(mistakeIn({ ...sabotage, replace: sabotage.find }, ROOT)).toMatch(/changes nothing/);
  expect(mistakeIn({ ...sabotage, file: 'src/gone.ts' }, ROOT)).toMatch(/there is no src\/gone.ts/);
});

test('only its place in the file is changed', () => {
  expect(broken({ ...(SABOTAGES[0] ?? never()), find: 'b', replace: '$&$1' }, 'abc')).toBe('a$&$1c');
});

function never(): never {
  throw new Error('the museum is empty');
}
