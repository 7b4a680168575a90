/** YAML for people: our printer's settings, and lines that say what is not in this version. */
import { dump } from 'js-yaml';

export type Lines = readonly string[];

/** Strings that any YAML version would read as something else are quoted. */
export function printYaml(value: unknown, indent = 0): Lines {
  const text = dump(value, { lineWidth: -1, noRefs: true, quoteStyle: 'double' });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? '' : `${' '.repeat(indent)}${line}`));
}

/** The lines as comments that say why they are. */
export function notYet(lines: Lines, indent = 0): Lines {
  const space = ' '.repeat(indent);
  return [`${space}# not in this version:`, ...lines.map((line) => `${space}#   ${line}`)];
}
