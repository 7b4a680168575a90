/** Writes the library chart's constants from the definition of the sidecar: `npm run sidecar`. A test compares the two. */
import { writeFileSync } from 'node:fs';
import { SIDECAR } from '../src/runtime/kubernetes/sidecar.ts';

export const constantsFile = 'chart/charts/outrider-sidecar/templates/_constants.tpl';

/** JSON is YAML: the templates read it with fromJson. */
export function constantsTemplate(): string {
  return `{{- /* Generated from src/runtime/kubernetes/sidecar.ts by npm run sidecar. */ -}}
{{- define "outrider.sidecar.constants" -}}
${JSON.stringify(SIDECAR, null, 2)}
{{- end -}}
`;
}

if (import.meta.main) writeFileSync(new URL(`../${constantsFile}`, import.meta.url), constantsTemplate());
