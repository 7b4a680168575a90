// Bundles src/ into a few files: a process that starts in a tenth of a second can't open three hundred.
// Usage: node bundle.mjs SOURCE_FOLDER OUT_FOLDER
import { join } from 'node:path';
import { build } from 'esbuild';

const [folder, outdir] = process.argv.slice(2);
/** HTTP/2 is not spoken (`allowH2: false`): undici's client for it would load node:http2, 5 MiB that nothing uses. */
const withoutHttp2 = {
  name: 'without-http2',
  setup(builder) {
    builder.onLoad({ filter: /undici\/lib\/dispatcher\/client-h2\.js$/ }, () => ({
      contents: "module.exports = () => { throw new Error('HTTP/2 is not spoken'); };",
    }));
  },
};

const result = await build({
  absWorkingDir: folder,
  // All in one folder: the thread's file and package.json are found from wherever a part of the code has gone.
  entryPoints: { outrider: join(folder, 'src/outrider.ts'), keeper: join(folder, 'src/runtime/keeper.ts') },
  outdir,
  bundle: true,
  splitting: true,
  chunkNames: 'part-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // Loaded when they are needed, after the listeners are bound; kafkajs is reached into, so there must be one of it.
  external: ['express', 'kafkajs', 'pino', 'prom-client'],
  // What is CommonJS inside (undici, commander) asks for Node's own modules by `require`. Under a name of its own: a
  // source that imports createRequire must not find it declared already.
  banner: {
    js: "import { createRequire as requireForBundle } from 'node:module'; const require = requireForBundle(import.meta.url);",
  },
  plugins: [withoutHttp2],
  // V8 keeps the text of what it runs, in each thread, and two bytes for each letter where one is not Latin: 3 MiB less.
  minifyWhitespace: true,
  charset: 'ascii',
  sourcemap: 'linked',
  legalComments: 'none',
  logLevel: 'silent',
}).catch((error) => {
  if (error.errors === undefined) throw error;
  return error;
});
for (const { location, text } of [...result.errors, ...result.warnings]) {
  console.error(`${location ? `${location.file}:${location.line}:${location.column + 1}: ` : ''}${text}`);
}
process.exitCode = result.errors.length > 0 ? 1 : 0;
