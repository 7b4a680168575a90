/** Helm charts as archives, and the index of a repository of them, as `helm package` and `helm repo index` make them. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, matchesGlob } from 'node:path';
import { gzipSync } from 'node:zlib';
import { dump, load } from 'js-yaml';

export interface PackedChart {
  /** `outrider-0.1.0.tgz`. */
  readonly file: string;
  readonly bytes: Buffer;
  /** Its Chart.yaml. */
  readonly chart: ChartFile;
}

export interface ChartFile {
  readonly name: string;
  readonly version: string;
  readonly appVersion?: string;
  readonly [field: string]: unknown;
}

export function readChartFile(folder: string): ChartFile {
  const chart = load(readFileSync(join(folder, 'Chart.yaml'), 'utf8'));
  if (!isChartFile(chart)) throw new Error(`${folder}/Chart.yaml: name and version are missing`);
  return chart;
}

/** The same files give the same bytes, whenever and by whomever they were made. */
export function packChart(folder: string): PackedChart {
  const chart = readChartFile(folder);
  const steady = ['--sort=name', '--mtime=@0', '--numeric-owner', '--owner=0', '--group=0', '--mode=u=rwX,go=rX'];
  const args = ['--create', '--format=ustar', `--directory=${folder}`, ...steady, `--transform=s,^,${chart.name}/,`];
  const options = { maxBuffer: 64 * 1024 * 1024, input: chartFiles(folder).join('\n') };
  const archive = execFileSync('tar', [...args, '--files-from=-'], options);
  return { file: `${chart.name}-${chart.version}.tgz`, bytes: gzipSync(archive, { level: 9 }), chart };
}

/** All files of a chart but those that .helmignore names, sorted. */
export function chartFiles(folder: string): string[] {
  const ignored = readIgnored(folder);
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => !ignored(path))
    .sort();
}

/**
 * The patterns that this project uses: a name with wildcards, anywhere; a folder with a slash behind it.
 *
 * @throws for what Helm knows more
 */
function readIgnored(folder: string): (path: string) => boolean {
  const file = join(folder, '.helmignore');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const patterns = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  for (const pattern of patterns) {
    if (/^[!/]|\/./.test(pattern)) throw new Error(`${file}: "${pattern}": only names and folders are read here`);
  }
  return (path) => {
    const folders = path.split('/').slice(0, -1);
    return patterns.some((pattern) =>
      pattern.endsWith('/')
        ? folders.some((name) => matchesGlob(name, pattern.slice(0, -1)))
        : [...folders, basename(path)].some((name) => matchesGlob(name, pattern)),
    );
  };
}

/** index.yaml of a repository. `url` is put before each file's name; '': the files lie beside it. */
export function indexText(
  packed: readonly PackedChart[],
  { url, at }: { readonly url: string; readonly at: Date },
): string {
  const created = at.toISOString();
  const entries = packed.map(({ file, bytes, chart }) => [
    chart.name,
    [{ ...chart, created, digest: sha256(bytes), urls: [url === '' ? file : `${url.replace(/\/$/, '')}/${file}`] }],
  ]);
  return dump({ apiVersion: 'v1', entries: Object.fromEntries(entries), generated: created }, { noRefs: true });
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function isChartFile(value: unknown): value is ChartFile {
  return typeof value === 'object' && value !== null && 'name' in value && 'version' in value;
}
