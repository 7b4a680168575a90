/** The values that docs/kubernetes.md shows are accepted by the chart. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readBlocks } from '../docs/blocks.ts';
import { at, chartFolder, describeWithHelm, parseYaml, refusal } from '../helpers/helm.ts';
import { GATEWAY, ROUTES } from './values.ts';

const page = readFileSync(join(chartFolder, '../docs/kubernetes.md'), 'utf8');
const blocks = readBlocks(page).filter(({ language, needs }) => language === 'yaml' && needs === 'helm');

describeWithHelm('docs/kubernetes.md', () => {
  test.each(blocks)('the values at line $line are accepted', async ({ text }) => {
    const shown = Object(parseYaml(text));
    // A piece about something else is shown without a mode and routes.
    const routes = { content: ROUTES, ...Object(at(shown, 'routes')) };
    expect(await refusal({ ...GATEWAY, ...shown, routes })).toBe('');
  });

  test('shows values', () => {
    expect(blocks.length).toBeGreaterThan(1);
  });
});
