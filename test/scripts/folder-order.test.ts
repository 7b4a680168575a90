import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTree, projectRoot, removeTrees } from './tree.ts';

afterEach(removeTrees);

const FOLDERS = ['accept', 'dispatch', 'forward', 'judge', 'record', 'replay', 'runtime', 'watch'];

/** Runs Biome with the project's own configuration; resolves to `file: message` for each restricted import. */
function restrictedIn(files: Readonly<Record<string, string>>): string[] {
  const config = JSON.parse(readFileSync(join(projectRoot, 'biome.json'), 'utf8'));
  delete config.vcs;
  delete config.$schema;
  const root = makeTree({ ...files, 'biome.json': JSON.stringify(config) });
  const biome = join(projectRoot, 'node_modules/@biomejs/biome/bin/biome');
  const args = [biome, 'lint', '--only=style/noRestrictedImports', '--reporter=json', '--max-diagnostics=none'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  const report = parseReport(stdout, stderr);
  return report.diagnostics.map(({ location, message }) => `${location.path}: ${message}`).sort();
}

interface Report {
  diagnostics: { location: { path: string }; message: string }[];
}

function parseReport(stdout: string, stderr: string): Report {
  const line = stdout.split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(`Biome said no JSON: ${stdout}${stderr}`);
  return JSON.parse(line);
}

test('a folder imports any folder before it and none after it', () => {
  const files: Record<string, string> = {};
  for (const from of FOLDERS) {
    for (const to of FOLDERS) files[`src/${from}/deep/to-${to}.ts`] = `import '../../${to}/x.ts';\n`;
  }
  const forbidden = FOLDERS.flatMap((from, at) => FOLDERS.slice(at + 1).map((to) => `src/${from}/deep/to-${to}.ts`));
  expect(restrictedIn(files).map((line) => line.split(':')[0])).toEqual(forbidden.sort());
});

test('types and lazy imports keep the order too, from any depth, and the message says why', () => {
  const found = restrictedIn({
    'src/dispatch/a.ts': "import type { X } from '../watch/x.ts';\nexport type Y = X;\n",
    'src/dispatch/deep/b.ts': "export const load = () => import('../../judge/x.ts');\n",
  });
  expect(found).toEqual([
    expect.stringMatching(
      /^src\/dispatch\/a\.ts: dispatch\/ imports .* folders before it .*: so each step can be read/,
    ),
    expect.stringMatching(/^src\/dispatch\/deep\/b\.ts: /),
  ]);
});

test('everyone imports runtime/errors.ts, the exchange and the settings', () => {
  const text = "import '../runtime/errors.ts';\nimport '../exchange.ts';\nimport '../settings.ts';\n";
  expect(restrictedIn({ 'src/accept/a.ts': text, 'src/replay/b.ts': text })).toEqual([]);
});

test('the files of the process, cli/ and the files beside the folders put the whole together', () => {
  const found = restrictedIn({
    'src/runtime/keeper.ts': "import '../watch/x.ts';\n",
    'src/runtime/run.ts': "import '../watch/x.ts';\n",
    'src/runtime/cli/run.ts': "import '../../watch/x.ts';\n",
    'src/ambassador.ts': "import './accept/x.ts';\nimport './watch/x.ts';\n",
    'src/runtime/errors.ts': "import '../watch/x.ts';\n",
    'src/runtime/config/load.ts': "import '../../watch/x.ts';\n",
  });
  expect(found).toEqual([
    expect.stringMatching(/^src\/runtime\/config\/load\.ts: runtime\/ comes before watch\//),
    expect.stringMatching(/^src\/runtime\/errors\.ts: runtime\/ comes before watch\//),
  ]);
});
