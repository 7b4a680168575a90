import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A script for wrk: POSTs with a body of so many bytes. Its report ends with a line for each status. */
export function writeLoadScript(folder: string, bytes: number): string {
  const path = join(folder, 'load.lua');
  writeFileSync(path, `wrk.method = "POST"\nwrk.body = string.rep("x", ${bytes})\n`);
  return path;
}
