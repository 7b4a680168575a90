/**
 * Writes what is generated from the definition of the sidecar: the library chart's constants, and the table of settings
 * in docs/injection.md: `npm run sidecar`. Tests compare them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { readVersion } from '../src/runtime/cli/version.ts';
import { SETTINGS } from '../src/runtime/kubernetes/settings.ts';
import { SIDECAR } from '../src/runtime/kubernetes/sidecar.ts';

export const constantsFile = 'chart/charts/outrider-sidecar/templates/_constants.tpl';

/** JSON is YAML: the templates read it with fromJson. */
export function constantsTemplate(): string {
  return `{{- /* Generated from src/runtime/kubernetes/sidecar.ts by npm run sidecar. */ -}}
{{- define "outrider.sidecar.constants" -}}
${JSON.stringify({ version: readVersion(), ...SIDECAR }, null, 2)}
{{- end -}}
`;
}

export const settingsPage = 'docs/injection.md';

/** The page with everything between the marks replaced by the table. */
export function withSettings(page: string): string {
  const rows = SETTINGS.map(({ name, form, meaning }) => {
    const flag = name === 'config' ? 'config-map' : name;
    return `| \`--${flag}\` | \`outrider.dev/${name}\` | ${[form, meaning].join(' | ').replaceAll('$', '\\$')} |`;
  });
  const table = ['| option | annotation | value | meaning (default) |', '|---|---|---|---|', ...rows].join('\n');
  const [start, end] = ['<!-- settings -->', '<!-- end of settings -->'];
  if (!page.includes(start) || !page.includes(end)) throw new Error(`${settingsPage} lacks ${start} … ${end}`);
  return `${page.slice(0, page.indexOf(start) + start.length)}\n${table}\n${page.slice(page.indexOf(end))}`;
}

if (import.meta.main) {
  writeFileSync(new URL(`../${constantsFile}`, import.meta.url), constantsTemplate());
  const page = new URL(`../${settingsPage}`, import.meta.url);
  writeFileSync(page, withSettings(readFileSync(page, 'utf8')));
}
