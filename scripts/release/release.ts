/** Everything that a release is made of, in one folder. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeOutriderArchive, packageVersion } from '../image/outrider.ts';
import { root } from '../project.mjs';
import { type ChartFile, indexText, packChart, readChartFile, sha256 } from './chart-package.ts';
import { billOfMaterials } from './sbom.ts';

export interface ReleaseOptions {
  readonly output: string;
  /** Where the charts will be found; '': beside their index. */
  readonly url: string;
  /** Writes the image's archive. */
  readonly makeImage?: (archive: string) => void;
}

export interface ReleasedFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

export const CHARTS = ['chart', 'chart/charts/outrider-sidecar'];

/** Replaces what is in the folder. @throws where the parts are not of one version */
export function makeRelease({ output, url, makeImage = makeOutriderArchive }: ReleaseOptions): ReleasedFile[] {
  const version = packageVersion();
  const wrong = CHARTS.flatMap((folder) => versionProblems(version, folder, readChartFile(join(root, folder))));
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  const at = releaseTime();
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const charts = CHARTS.map((folder) => packChart(join(root, folder)));
  for (const { file, bytes } of charts) writeFileSync(join(output, file), bytes);
  writeFileSync(join(output, 'index.yaml'), indexText(charts, { url, at }));
  const image = `outrider-${version}-image.tar`;
  makeImage(join(output, image));
  const bill = `outrider-${version}.cdx.json`;
  writeFileSync(join(output, bill), `${JSON.stringify(billOfMaterials(join(output, image), at), null, 2)}\n`);
  const files = [...charts.map(({ file }) => file), 'index.yaml', image, bill].map((name) => {
    const bytes = readFileSync(join(output, name));
    return { name, bytes: bytes.length, sha256: sha256(bytes) };
  });
  writeFileSync(join(output, 'SHA256SUMS'), files.map((file) => `${file.sha256}  ${file.name}\n`).join(''));
  return files;
}

/** Chart and image are released together, under one number: what is not, a line each. */
export function versionProblems(version: string, folder: string, chart: ChartFile): string[] {
  const found = { version: chart.version, ...(chart.appVersion !== undefined && { appVersion: chart.appVersion }) };
  return Object.entries(found)
    .filter(([, value]) => value !== version)
    .map(([key, value]) => `${folder}/Chart.yaml: ${key} is ${value}, and package.json has ${version}`);
}

/** Of the commit, so that a release can be made again byte for byte; SOURCE_DATE_EPOCH goes before it. */
function releaseTime(): Date {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined && given !== '') {
    if (!/^[0-9]+$/.test(given)) throw new Error(`SOURCE_DATE_EPOCH: found "${given}"; expected seconds since 1970`);
    return new Date(Number(given) * 1000);
  }
  try {
    const seconds = execFileSync('git', ['log', '-1', '--format=%ct'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return new Date(Number(seconds.toString()) * 1000);
  } catch {
    return new Date();
  }
}
