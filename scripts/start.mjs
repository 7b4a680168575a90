// npm start: installs what is missing, builds, runs the demo. `npm start -- --port 5001` passes options to it.
import { build } from './build.mjs';
import { ensureModules } from './ensure.mjs';
import { nodeBinary, runForeground, say } from './project.mjs';

try {
  ensureModules();
  if (build() === 'built') say('Built dist/.');
  const flags = ['--disable-warning=ExperimentalWarning', 'dist/outrider.js', 'demo'];
  process.exitCode = await runForeground(nodeBinary(), [...flags, ...process.argv.slice(2)]);
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}
