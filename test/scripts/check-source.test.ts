import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { formatFinding } from '../../scripts/check/source.ts';
import { checkSource } from '../../scripts/check-source.ts';
import { makeTree, projectRoot, removeTrees } from './tree.ts';

afterEach(removeTrees);

const findingsIn = (files: Readonly<Record<string, string>>) => checkSource(makeTree(files)).map(formatFinding);

describe('borders by file name', () => {
  test('only node-* files import node:http, node:net or undici, as types or lazily too', () => {
    const findings = findingsIn({
      'src/accept/server.ts': "import type { Server } from 'node:http';\nexport const load = () => import('undici');\n",
      'src/accept/node-server.ts': "import { createServer } from 'node:http';\nimport { Pool } from 'undici';\n",
    });
    expect(findings).toEqual([
      expect.stringMatching(/^src\/accept\/server\.ts:1 only files named node-\* import "node:http", so that/),
      expect.stringMatching(/^src\/accept\/server\.ts:2 only files named node-\* import "undici"/),
    ]);
  });

  test('a re-export crosses a border like an import, and a package whose name only begins alike does not', () => {
    const findings = findingsIn({
      'src/forward/pool.ts': "export { Pool } from 'undici';\nimport type { X } from 'undici-types';\n",
      'src/forward/agent.ts': "export * from 'undici/lib/agent.js';\n",
    });
    expect(findings).toHaveLength(2);
    expect(findings[0]).toContain('src/forward/agent.ts:1');
    expect(findings[1]).toContain('src/forward/pool.ts:1');
  });

  test('only kafka-* files import kafkajs, and only spool* files node:sqlite', () => {
    const findings = findingsIn({
      'src/record/mirror.ts': "import { Kafka } from 'kafkajs';\nimport { DatabaseSync } from 'node:sqlite';\n",
      'src/record/kafka-producer.ts': "import { Kafka } from 'kafkajs';\n",
      'src/record/spool.ts': "import { DatabaseSync } from 'node:sqlite';\n",
      'src/record/spool-rows.ts': "import { DatabaseSync } from 'node:sqlite';\n",
    });
    expect(findings).toEqual([
      expect.stringMatching(/^src\/record\/mirror\.ts:1 only files named kafka-\*/),
      expect.stringMatching(/^src\/record\/mirror\.ts:2 only files named spool\*/),
    ]);
  });
});

describe('what the path thread loads', () => {
  test('a heavy package is found through other files, with the chain that leads to it', () => {
    const findings = findingsIn({
      'src/ambassador.ts': "import './exchange.ts';\nimport { log } from './watch/log.ts';\n",
      'src/exchange.ts': 'export {};\n',
      'src/watch/log.ts': "export { line as log } from './line.ts';\n",
      'src/watch/line.ts': "import pino from 'pino';\nexport const line = pino();\n",
    });
    expect(findings).toEqual([
      expect.stringContaining(
        'src/ambassador.ts:2 the path thread loads "pino" (src/ambassador.ts → src/watch/log.ts → src/watch/line.ts → pino)',
      ),
    ]);
  });

  test('every file of accept, dispatch, forward and judge is on the path', () => {
    const heavy = { accept: 'express', dispatch: 'js-yaml', forward: 'prom-client', judge: 'zod/mini' };
    const files = Object.entries(heavy).map(([folder, name]) => [`src/${folder}/a.ts`, `import '${name}';\n`]);
    expect(findingsIn(Object.fromEntries(files))).toHaveLength(4);
  });

  test('types, lazy imports and what the keeper loads are free', () => {
    const findings = findingsIn({
      'src/ambassador.ts':
        "import type { Logger } from 'pino';\nexport const tunnel = () => import('./forward/tunnel.ts');\n",
      'src/forward/tunnel.ts': "export const open = () => import('express');\n",
      'src/runtime/keeper.ts': "import pino from 'pino';\nimport 'zod';\nimport '../ambassador.ts';\n",
    });
    expect(findings).toEqual([]);
  });

  test('files that import each other in a circle are walked once', () => {
    const findings = findingsIn({
      'src/judge/a.ts': "import './b.ts';\n",
      'src/judge/b.ts': "import './a.ts';\nimport 'zod';\n",
    });
    expect(findings).toHaveLength(2);
  });
});

describe('sizes', () => {
  const lines = (count: number) =>
    Array.from({ length: count }, (_, index) => `  const v${index} = ${index};`).join('\n');

  test('a file of src has at most 300 lines, a test may have more', () => {
    const findings = findingsIn({
      'src/judge/long.ts': `${lines(301)}\n`,
      'src/judge/fits.ts': `${lines(300)}\n`,
      'test/judge/long.test.ts': `${lines(900)}\n`,
    });
    expect(findings).toEqual([expect.stringContaining('src/judge/long.ts:301 301 lines')]);
  });

  test.each([
    ['function', `function f() {\n${lines(49)}\n}\n`],
    ['arrow function', `const f = () => {\n${lines(49)}\n};\n`],
    ['method', `class C { f() {\n${lines(49)}\n} }\n`],
    ['constructor', `class C { constructor() {\n${lines(49)}\n} }\n`],
  ])('a %s of 51 lines is too long, and its place is right behind characters of several bytes', (_, text) => {
    expect(findingsIn({ 'src/judge/f.ts': `// é → ü\n\n${text}` })).toEqual([
      expect.stringContaining('src/judge/f.ts:3 a function of 51 lines'),
    ]);
    expect(findingsIn({ 'src/judge/f.ts': text.replace(/ {2}const v0.*\n/, '') })).toEqual([]);
  });
});

describe('ways around the type checker', () => {
  test('any, casts through unknown, non-null marks and silencing comments are found in src, scripts, bench and test', () => {
    const silencers = [`// ${'@ts'}-ignore`, `// biome${'-ignore'} lint: no`];
    const findings = findingsIn({
      'src/a.ts': 'export const a = (value: any) => value;\n',
      'scripts/b.ts': 'export const b = (value: object) => value as unknown as string;\n',
      'bench/c.ts': 'export const c = (value: string[]) => value[0]!;\n',
      'test/d.test.ts': `${silencers.join('\n')}\nexport {};\n`,
    });
    expect(findings.map((line) => line.split(' ')[0])).toEqual([
      'src/a.ts:1',
      'scripts/b.ts:1',
      'bench/c.ts:1',
      'test/d.test.ts:1',
      'test/d.test.ts:2',
    ]);
  });

  test('the word any, a cast to unknown and a plain cast are not', () => {
    const text = "/** any of them */\nexport const any = (value: object) => [value as unknown, 'any', <const>'x'];\n";
    expect(findingsIn({ 'src/a.ts': text })).toEqual([]);
  });
});

test('a file that does not parse is an error that names it', () => {
  expect(() => findingsIn({ 'src/broken.ts': 'export const = ;\n' })).toThrow(/src\/broken\.ts does not parse/);
});

test('the command prints each finding and exits 1, and 0 where there is none', () => {
  const run = (root: string) => {
    const script = join(projectRoot, 'scripts/check-source.ts');
    const { status, stdout } = spawnSync(process.execPath, [script], { cwd: root, encoding: 'utf8' });
    return { status, stdout };
  };
  const bad = run(makeTree({ 'src/accept/a.ts': "import 'zod';\n" }));
  expect(bad).toEqual({
    status: 1,
    stdout: expect.stringMatching(/^src\/accept\/a\.ts:1 the path thread loads "zod"/),
  });
  expect(run(makeTree({ 'src/a.ts': 'export {};\n' }))).toEqual({ status: 0, stdout: '' });
});
