// Bundles the modules of dist: Node takes up to a millisecond for each that it loads, and a first batch needs a hundred
// of ours. `npm run build` runs it after `tsc -b`, without which all works too. Every module keeps its place, as a door to
// the bundle, so that there is one of each whichever way it is imported.
import { readdir, rm } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const PACKAGE = fileURLToPath(new URL('../', import.meta.url));
const SOURCES = `${PACKAGE}src/`;
const BUILT = `${PACKAGE}dist/`;
/**
 * Packages that are bundled too: see NOTICE. A small CommonJS module, for which alone Node would start the reader of such
 * modules; and what writing needs of apache-arrow.
 */
const BUNDLED = /^(?:seedrandom\/|(?:apache-arrow|flatbuffers|json-with-bigint|tslib)$)/u;
/** Who loads modules: what the same ones need at once is one bundle; what may be needed later is loaded then, by module. */
const AUDIENCES = {
  anywhere: ['index', 'adapter', 'store', 'http'],
  transforms: ['transforms'],
  fs: ['fs'],
  cache: ['cache'],
  s3: ['s3'],
  gcs: ['gcs'],
  testing: ['testing'],
};

const modules = await stems(SOURCES, /(?<!\.d)\.ts$/u);
const built = await stems(BUILT, /(?:\.d\.ts|\.js)(?:\.map)?$/u);
// `tsc` leaves what it made of sources that are no more.
for (const [stem, files] of built) {
  if (!modules.has(stem)) await Promise.all(files.map((file) => rm(file)));
}

const needs = new Map();
const { output } = await build({
  cwd: PACKAGE,
  input: Object.fromEntries(Array.from(modules.keys(), (stem) => [stem, `src/${stem}.ts`])),
  external: (id) => !/^[./]/u.test(id) && !BUNDLED.test(id),
  platform: 'neutral',
  resolve: { extensionAlias: { '.js': ['.ts'] }, mainFields: ['module', 'main'] },
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

// A door has no map, and the one that `tsc` wrote fits it no more.
const doors = output.filter(({ type, map }) => type === 'chunk' && map === null);
await Promise.all(doors.map(({ fileName }) => rm(`${BUILT}${fileName}.map`, { force: true })));

/** The files below a folder whose names end so, by what their names are before that. */
async function stems(folder, ending) {
  const found = new Map();
  for (const file of await readdir(folder, { recursive: true })) {
    const stem = file.replaceAll(sep, '/').replace(ending, '');
    if (ending.test(file)) found.set(stem, [...(found.get(stem) ?? []), `${folder}${file}`]);
  }
  return found;
}

/** Where a module is, is where its door is: neighbours are found from there. */
function keepPlace(code, id) {
  const door = relative(SOURCES, id).replaceAll(sep, '/').replace(/\.ts$/u, '.js');
  const place = `new URL('../${door}', import.meta.url).href`;
  const parts = [];
  let end = 0;
  for (const meta of placesIn(this.parse(code, { lang: 'ts' }))) {
    parts.push(code.slice(end, meta.start), place);
    end = meta.end;
  }
  return { code: parts.join('') + code.slice(end), map: null };
}

/** Every `import.meta.url` that is code, in its order. */
function placesIn(node) {
  if (typeof node !== 'object' || node === null) return [];
  if (node.type === 'MemberExpression' && node.object.type === 'MetaProperty' && node.property.name === 'url')
    return [node];
  return Object.values(node).flatMap(placesIn);
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
