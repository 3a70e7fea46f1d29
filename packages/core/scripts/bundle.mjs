// Bundles the modules of dist: Node takes up to a millisecond for each that it loads, and a first batch needs a hundred
// of ours. `npm run build` runs it after `tsc -b`, without which all works too. Every module keeps its place, as a door to
// the bundle, so that there is one of each whichever way it is imported.
import { readdir, rm } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const PACKAGE = fileURLToPath(new URL('../', import.meta.url));
const SOURCES = fileURLToPath(new URL('../src/', import.meta.url));
/** A small CommonJS module, for which alone Node would start the reader of such modules: see NOTICE. */
const BUNDLED = /^seedrandom\//u;
/** Who loads modules: what the same ones need at once is one bundle; what may be needed later is loaded then, by module. */
const AUDIENCES = {
  anywhere: ['index', 'adapter', 'store', 'http', 'transforms'],
  fs: ['fs'],
  cache: ['cache'],
  s3: ['s3'],
  gcs: ['gcs'],
  testing: ['testing'],
};

const files = await readdir(SOURCES, { recursive: true });
const modules = files
  .filter((file) => /(?<!\.d)\.ts$/u.test(file))
  .map((file) => file.replaceAll(sep, '/').slice(0, -3));

const needs = new Map();
await rm(new URL('../dist/bundle', import.meta.url), { recursive: true, force: true });
await build({
  cwd: PACKAGE,
  input: Object.fromEntries(modules.map((name) => [name, `src/${name}.ts`])),
  external: (id) => !/^[./]/u.test(id) && !BUNDLED.test(id),
  platform: 'neutral',
  resolve: { extensionAlias: { '.js': ['.ts'] } },
  plugins: [{ name: 'own-place', transform: { filter: { code: 'import.meta.url' }, handler: keepPlace } }],
  logLevel: 'warn',
  preserveEntrySignatures: 'allow-extension',
  output: {
    dir: 'dist',
    chunkFileNames: 'bundle/[name].js',
    comments: { jsdoc: false },
    sourcemap: true,
    sourcemapExcludeSources: true,
    codeSplitting: {
      groups: [{ name: bundleOf, debugName: 'who needs it' }],
      includeDependenciesRecursively: false,
    },
  },
});

/** Where a module is, is where its door is: neighbours are found from there. */
function keepPlace(code, id) {
  const door = relative(SOURCES, id).replaceAll(sep, '/').replace(/\.ts$/u, '.js');
  return { code: code.replaceAll('import.meta.url', `new URL('../${door}', import.meta.url).href`), map: null };
}

function bundleOf(id, graph) {
  const audiences = Object.entries(AUDIENCES).filter(([, entries]) =>
    entries.some((entry) => needed(entry, graph).has(id)),
  );
  return audiences.map(([name]) => name).join('-') || null;
}

function needed(entry, graph) {
  const known = needs.get(entry);
  if (known !== undefined) return known;
  const found = new Set([`${SOURCES}${entry}.ts`]);
  for (const id of found) for (const imported of graph.getModuleInfo(id)?.importedIds ?? []) found.add(imported);
  needs.set(entry, found);
  return found;
}
