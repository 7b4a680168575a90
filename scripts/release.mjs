// npm run release: the packed charts with their index, the image's archive, and a CycloneDX bill of what is in it.
import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { root, say } from './project.mjs';
import { makeRelease } from './release/release.ts';

const USAGE = `npm run release -- [options]

  --output FOLDER  what is in it goes (var/release)
  --url URL        where the charts will be found; without it, beside index.yaml
`;

try {
  const options = { output: { type: 'string' }, url: { type: 'string' }, help: { type: 'boolean', default: false } };
  const { values } = parseArgs({ args: process.argv.slice(2), options });
  if (values.help) say(USAGE);
  else {
    const output = resolve(root, values.output ?? 'var/release');
    for (const { name, bytes, sha256 } of makeRelease({ output, url: values.url ?? '' })) {
      say(`${sha256}  ${relative(root, resolve(output, name))}  ${Math.ceil(bytes / 1024)} KiB`);
    }
  }
} catch (error) {
  say(error.message);
  if (error instanceof TypeError) say(USAGE);
  process.exitCode = error instanceof TypeError ? 64 : 1;
}
