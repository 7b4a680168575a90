/** The house rules that no stock tool knows: prints what breaks them, one a line, and exits 1. */
import { checkImports } from './check/imports.ts';
import { checkEscapes, checkSizes } from './check/shape.ts';
import { type Finding, formatFinding, readSources } from './check/source.ts';

/** Everything wrong below `root`: sizes and imports of `src`, escapes everywhere. */
export function checkSource(root: string): Finding[] {
  const sources = readSources(root, ['src']);
  const others = readSources(root, ['scripts', 'bench', 'test']);
  return [...sources.flatMap(checkSizes), ...checkImports(sources), ...[...sources, ...others].flatMap(checkEscapes)];
}

if (import.meta.main) {
  const findings = checkSource(process.cwd());
  for (const finding of findings) console.log(formatFinding(finding));
  process.exitCode = findings.length > 0 ? 1 : 0;
}
