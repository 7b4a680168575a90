/** The project's image as an archive, made from the Dockerfile's last stage. */
import { type ExecFileSyncOptionsWithStringEncoding, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root as projectRoot } from '../project.mjs';
import { type ImageConfig, writeArchive } from './archive.ts';
import { argumentsOf, imageStage } from './dockerfile.ts';
import { IMAGE_UID, makeImageRoot } from './root.ts';

export interface MadeImage {
  readonly name: string;
  readonly digest: string;
}

/** Writes `output`; its name is outrider:VERSION where none is given. */
export function makeOutriderArchive(output: string, name = `outrider:${packageVersion()}`): MadeImage {
  const work = mkdtempSync(join(tmpdir(), 'outrider-image-'));
  try {
    const root = makeImageRoot(work);
    const owners = [{ path: 'var/lib/outrider', uid: IMAGE_UID, gid: 0 }];
    return { name, digest: writeArchive({ name, root, config: imageConfig(), owners, work, output }) };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

export function packageVersion(): string {
  return JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')).version;
}

/** What the last stage's instructions say, as a container runtime reads it. */
export function imageConfig(): ImageConfig {
  const stage = imageStage();
  const one = (name: string): string => argumentsOf(stage, name)[0] ?? '';
  const settings = argumentsOf(stage, 'ENV').flatMap((text) => text.split(/\s+/));
  const labels = argumentsOf(stage, 'LABEL').flatMap((text) => [...text.matchAll(/([\w.]+)="([^"]*)"/g)]);
  const values: Readonly<Record<string, string>> = { VERSION: packageVersion(), REVISION: revision() };
  const filled = (text: string): string => text.replace(/\$\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  return {
    Entrypoint: JSON.parse(one('ENTRYPOINT')),
    Cmd: JSON.parse(one('CMD')),
    Env: settings,
    User: one('USER'),
    WorkingDir: one('WORKDIR'),
    ExposedPorts: Object.fromEntries(
      one('EXPOSE')
        .split(/\s+/)
        .map((port) => [`${port}/tcp`, {}]),
    ),
    Labels: Object.fromEntries(labels.map(([, key = '', value = '']) => [key, filled(value)])),
    StopSignal: one('STOPSIGNAL'),
  };
}

/** The commit, where this is a clone. */
function revision(): string {
  try {
    const options: ExecFileSyncOptionsWithStringEncoding = { cwd: projectRoot, encoding: 'utf8', stdio: 'pipe' };
    return execFileSync('git', ['rev-parse', 'HEAD'], options).trim();
  } catch {
    return 'unknown';
  }
}
