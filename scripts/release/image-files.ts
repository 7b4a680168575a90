/** What lies in an image archive. */
import { execFileSync } from 'node:child_process';

export interface ImageFile {
  /** Without a slash before it: usr/local/bin/node. */
  readonly path: string;
  /** Empty for what is only listed: everything but programs and libraries. */
  readonly bytes: Buffer;
}

const MAX_BYTES = 1024 * 1024 * 1024;

/** Regular files of the image's only layer. */
export function readImageFiles(archive: string): ImageFile[] {
  const [{ Layers }]: [{ Layers: [string] }] = JSON.parse(read(archive, 'manifest.json').toString('utf8'));
  const layer = read(archive, Layers[0]);
  const options = { input: layer, maxBuffer: MAX_BYTES } as const;
  const listed = execFileSync('tar', ['--list', '--file=-'], options).toString('utf8').split('\n');
  return listed
    .filter((path) => path !== '' && !path.endsWith('/'))
    .map((path) => ({
      path: path.replace(/^\.\//, ''),
      bytes: isProgram(path)
        ? execFileSync('tar', ['--extract', '--to-stdout', '--file=-', path], options)
        : Buffer.alloc(0),
    }));
}

function isProgram(path: string): boolean {
  return path === './usr/local/bin/node' || (/\.so(\.[0-9]+)*$/.test(path) && !path.startsWith('./app/'));
}

/** It is written in the program, as `process.version` says it. */
export function nodeVersionOf(program: Buffer): string {
  const found = /node\.js\/v?([0-9]+\.[0-9]+\.[0-9]+)|node\/v?([0-9]+\.[0-9]+\.[0-9]+)/i.exec(
    program.toString('latin1'),
  );
  const version = found?.[1] ?? found?.[2];
  if (version === undefined) throw new Error('the version of the Node.js in the image is not to be found');
  return version;
}

function read(archive: string, path: string): Buffer {
  return execFileSync('tar', ['--extract', '--to-stdout', `--file=${archive}`, `./${path}`], { maxBuffer: MAX_BYTES });
}
