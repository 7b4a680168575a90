// npm run test:faults: the fault suite at its full size; its report is in var/faults-report.txt (and .json).

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { nodeBinary, root, runForeground, say } from './project.mjs';

const USAGE = `npm run test:faults -- [options]

  --seed N       the run with this seed again: the same requests, and the same faults in the same order
  --requests N   requests in all (200000)
  --failures N   failed ones among them that must have been kept (20000)
  --kills N      kill -9 of the process (60)
  --minutes N    no new fault starts after that (22)
  --selection    the small run that npm test does
`;

/** Throws TypeError for what it does not know. */
function sizeFromOptions(args) {
  const number = { type: 'string' };
  const { values } = parseArgs({
    args,
    options: {
      ...{ seed: number, requests: number, failures: number, kills: number, minutes: number },
      selection: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { selection, help, minutes, ...numbers } = values;
  if (help) return null;
  const given = { ...numbers, ...(minutes === undefined ? {} : { maxMinutes: minutes }) };
  const size = { full: !selection, reportFolder: join(root, 'var') };
  for (const [name, text] of Object.entries(given)) {
    if (!/^\d+(\.\d+)?$/.test(text)) throw new TypeError(`--${name}: ${text} is no number`);
    size[name] = Number(text);
  }
  return size;
}

try {
  const size = sizeFromOptions(process.argv.slice(2));
  if (size === null) say(USAGE);
  else {
    const env = { ...process.env, OUTRIDER_FAULTS: JSON.stringify(size) };
    process.exitCode = await runForeground(nodeBinary(), ['scripts/test.mjs', 'test/faults/faults'], { env });
  }
} catch (error) {
  say(error.message);
  say(USAGE);
  process.exitCode = 64;
}
