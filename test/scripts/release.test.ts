/** What `npm run release` makes, but for the image itself, in whose place is a small one. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeArchive } from '../../scripts/image/archive.ts';
import { chartFiles, packChart } from '../../scripts/release/chart-package.ts';
import { makeRelease, versionProblems } from '../../scripts/release/release.ts';
import { type Bill, billOfMaterials } from '../../scripts/release/sbom.ts';
import { GATEWAY } from '../chart/values.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { describeWithHelm, helms, parseYaml, render, runHelm } from '../helpers/helm.ts';
import { startTarget } from '../helpers/node-target.ts';
import { projectRoot } from './tree.ts';

const VERSION: string = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')).version;
const FULL = process.env.OUTRIDER_TEST_FULL === '1';
const AT = new Date('2026-01-02T03:04:05Z');
const CHART = join(projectRoot, 'chart');

/** An image with the packages of these paths, and what stands for Node.js and a library. */
function smallImage(archive: string, packages = ['express', 'debug', 'ms']): void {
  const work = temporaryFolder();
  const root = join(work, 'root');
  for (const name of packages) {
    mkdirSync(join(root, 'app/node_modules', name), { recursive: true });
    writeFileSync(join(root, 'app/node_modules', name, 'package.json'), '{}');
  }
  mkdirSync(join(root, 'usr/local/bin'), { recursive: true });
  writeFileSync(join(root, 'usr/local/bin/node'), '\0node.js/v26.10.0\0');
  mkdirSync(join(root, 'lib'));
  writeFileSync(join(root, 'lib/libc.so.6'), 'libc');
  writeArchive({ name: 'outrider:small', root, config: { Entrypoint: ['node'] }, owners: [], work, output: archive });
}

function billOf(...packages: string[]): Bill {
  const archive = join(temporaryFolder(), 'image.tar');
  smallImage(archive, packages);
  return billOfMaterials(archive, AT);
}

describe('a release', () => {
  const release = () => {
    const output = join(temporaryFolder(), 'release');
    // The full run takes the image itself.
    const made = makeRelease({ output, url: '', ...(FULL ? {} : { makeImage: smallImage }) });
    return { output, made };
  };

  test('is the charts, their index, the image, the bill, and the hash of each', () => {
    const { output, made } = release();
    const names = [
      `outrider-${VERSION}.tgz`,
      `outrider-sidecar-${VERSION}.tgz`,
      'index.yaml',
      `outrider-${VERSION}-image.tar`,
      `outrider-${VERSION}.cdx.json`,
    ];
    expect(made.map(({ name }) => name)).toEqual(names);
    expect(readdirSync(output).sort()).toEqual([...names, 'SHA256SUMS'].sort());
    expect(execFileSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: output, encoding: 'utf8' })).toBe(
      names.map((name) => `${name}: OK\n`).join(''),
    );
  });

  test('made again it is the same, byte for byte', () => {
    expect(release().made).toEqual(release().made);
  });

  test('parts of other versions are named', () => {
    const chart = { name: 'outrider', version: '1.2.3', appVersion: '0.9.0' };
    expect(versionProblems('1.2.3', 'chart', { ...chart, appVersion: '1.2.3' })).toEqual([]);
    expect(versionProblems('1.2.3', 'chart', chart)).toEqual([
      'chart/Chart.yaml: appVersion is 0.9.0, and package.json has 1.2.3',
    ]);
  });
});

describe('a packed chart', () => {
  test('has every file of the chart but what .helmignore names', () => {
    const files = chartFiles(CHART);
    expect(files).toEqual(expect.arrayContaining(['Chart.yaml', 'values.yaml', 'charts/outrider-sidecar/Chart.yaml']));
    expect(files).toContain('files/prometheus-rules.yaml');
    expect(files.filter((path) => path.startsWith('ci/'))).toEqual([]);
  });

  test('does not depend on when its files were written', () => {
    const copy = join(temporaryFolder(), 'chart');
    cpSync(CHART, copy, { recursive: true });
    writeFileSync(join(copy, 'values.yaml'), readFileSync(join(CHART, 'values.yaml')));
    expect(packChart(copy).bytes.equals(packChart(CHART).bytes)).toBe(true);
  });

  test('a pattern of .helmignore that is not read here is refused', () => {
    const copy = join(temporaryFolder(), 'chart');
    cpSync(CHART, copy, { recursive: true });
    writeFileSync(join(copy, '.helmignore'), '!keep/this\n');
    expect(() => chartFiles(copy)).toThrow('"!keep/this": only names and folders are read here');
  });
});

describeWithHelm('a repository of the released charts', () => {
  test('each Helm of the machine fetches the chart by its index, and makes of it what it makes of the folder', async () => {
    const folder = join(temporaryFolder(), 'release');
    makeRelease({ output: folder, url: '', makeImage: smallImage });
    const repository = await startTarget(({ uri }, response) => {
      response.end(readFileSync(join(folder, uri.slice(1))));
    });
    for (const helm of helms()) {
      const into = temporaryFolder();
      const pulled = await runHelm(['pull', 'outrider', '--repo', repository.url, '--destination', into], helm);
      expect(pulled).toMatchObject({ code: 0, stderr: '' });
      const chart = join(into, `outrider-${VERSION}.tgz`);
      expect(await render(GATEWAY, { chart, helm })).toEqual(await render(GATEWAY, { helm }));
    }
  });

  test('the index is the one that Helm makes, but for the time', async () => {
    const folder = join(temporaryFolder(), 'release');
    makeRelease({ output: folder, url: 'https://charts.example/', makeImage: smallImage });
    const ours = parseYaml(readFileSync(join(folder, 'index.yaml'), 'utf8'));
    const { code } = await runHelm(['repo', 'index', folder, '--url', 'https://charts.example']);
    const helms = parseYaml(readFileSync(join(folder, 'index.yaml'), 'utf8'));
    const timeless = (index: unknown) =>
      JSON.parse(JSON.stringify(index, (key, value) => (/^(created|generated)$/.test(key) ? 0 : value)));
    expect([code, timeless(helms)]).toEqual([0, timeless(ours)]);
  });
});

describe('the bill of materials', () => {
  test('has the packages of the image, with version, license and hash, Node.js, and the libraries', () => {
    const { components } = billOf('express', 'debug', 'ms');
    expect(components.map(({ name, type }) => [name, type])).toEqual([
      ['debug', 'library'],
      ['express', 'library'],
      ['ms', 'library'],
      ['node', 'platform'],
      ['/lib/libc.so.6', 'file'],
    ]);
    const { version } = JSON.parse(readFileSync(join(projectRoot, 'node_modules/express/package.json'), 'utf8'));
    const express = components.find(({ name }) => name === 'express');
    expect(express).toMatchObject({ version, purl: `pkg:npm/express@${version}`, licenses: [{ expression: 'MIT' }] });
    expect(express?.hashes?.[0]).toEqual({ alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) });
    const content = createHash('sha256').update('libc').digest('hex');
    expect(components.at(-1)?.hashes).toEqual([{ alg: 'SHA-256', content }]);
    expect(components.find(({ name }) => name === 'node')?.version).toBe('26.10.0');
  });

  test('says what depends on what, and every reference in it is there once', () => {
    const { components, dependencies, metadata } = billOf('express', 'debug', 'ms');
    const known = [metadata.component, ...components].map((component) => component['bom-ref']);
    expect(new Set(known).size).toBe(known.length);
    for (const { ref, dependsOn } of dependencies) for (const one of [ref, ...dependsOn]) expect(known).toContain(one);
    const named = (name: string) => known.find((ref) => ref.startsWith(`pkg:npm/${name}@`)) ?? '';
    expect(dependencies.find(({ ref }) => ref === named('express'))?.dependsOn).toEqual([named('debug')]);
    expect(dependencies.find(({ ref }) => ref === named('debug'))?.dependsOn).toEqual([named('ms')]);
    expect(dependencies[0]?.dependsOn).toEqual(expect.arrayContaining([named('express'), 'pkg:generic/node@26.10.0']));
  });

  test('is CycloneDX, with a number of its own for each image', () => {
    const [one, other] = [billOf('express'), billOf('ms')];
    expect(one).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1 });
    expect(one.metadata).toMatchObject({
      timestamp: AT.toISOString(),
      component: { name: 'outrider', version: VERSION },
    });
    for (const { serialNumber } of [one, other]) {
      expect(serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    }
    expect(other.serialNumber).not.toBe(one.serialNumber);
  });

  test('a package that the lock file does not know is refused', () => {
    expect(() => billOf('smuggled')).toThrow('package-lock.json does not know node_modules/smuggled');
  });
});
