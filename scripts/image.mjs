// npm run image: the image as an archive, without docker or a registry, for `minikube image load`, `kind load
// image-archive`, `docker load`, `podman load` and `ctr images import`.
import { mkdirSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { makeOutriderArchive, packageVersion } from './image/outrider.ts';
import { root, say } from './project.mjs';

const USAGE = `npm run image -- [options]

  --output FILE  where the archive goes (var/outrider-VERSION.tar)
  --name NAME    the image's name and tag (outrider:VERSION)
`;

try {
  const options = { output: { type: 'string' }, name: { type: 'string' }, help: { type: 'boolean', default: false } };
  const { values } = parseArgs({ args: process.argv.slice(2), options });
  if (values.help) say(USAGE);
  else {
    const output = resolve(root, values.output ?? `var/outrider-${packageVersion()}.tar`);
    mkdirSync(dirname(output), { recursive: true });
    const { name, digest } = makeOutriderArchive(output, values.name);
    say(`${name} ${digest} in ${relative(root, output)}`);
  }
} catch (error) {
  say(error.message);
  if (error instanceof TypeError) say(USAGE);
  process.exitCode = error instanceof TypeError ? 64 : 1;
}
