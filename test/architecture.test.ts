import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { importsOf, importsOfFile, packageOf, readJson, sourceFiles } from './imports.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PACKAGES = join(ROOT, 'packages');

/** The rooms of core from the ground up; a file imports only from its own room or a lower one. */
const ROOMS = [
  'errors',
  'lazy-module',
  'arguments',
  'did-you-mean',
  'or-abort',
  'next-turn',
  'thread-options',
  'progress',
  'stop-signals',
  'schema',
  'checksum',
  'tensor-file',
  'kernel',
  'order',
  'store',
  'format',
  'rows',
  'stream',
  'dataset',
  'storage',
  'transforms',
  'entries',
];
/** The public entries of core share the topmost room, with what imports them by name. */
const ENTRIES = [
  'index',
  'open-storage',
  'node-only',
  'fs',
  's3',
  'gcs',
  'http',
  'store',
  'cache',
  'transforms',
  'adapter',
  'testing',
];
/** What a package may import besides its own files and `node:` modules; `@scope/*` stands for a whole scope. */
const ALLOWED_PACKAGES: Record<string, readonly string[]> = {
  core: [
    'apache-arrow',
    '@noble/hashes',
    'seedrandom',
    'tinypool',
    'sharp',
    '@aws-sdk/client-s3',
    '@google-cloud/storage',
    '@dataref/core',
  ],
  tfjs: ['@dataref/core', '@tensorflow/*'],
  onnx: ['@dataref/core', 'onnxruntime-common'],
  arrays: ['@dataref/core', '@node-rs/crc32', '@mongodb-js/zstd', 'zarrita', 'numcodecs', 'sharp'],
  text: [
    '@dataref/core',
    '@huggingface/hub',
    '@huggingface/tokenizers',
    'apache-arrow',
    'csv-parse',
    'gpt-tokenizer',
    'hyparquet',
    'hyparquet-compressors',
    'tinyglobby',
    'tinypool',
  ],
  catalog: [
    '@dataref/core',
    'apache-arrow',
    'hyparquet',
    'hyparquet-compressors',
    'hyparquet-writer',
    'onnxruntime-node',
    'tinypool',
  ],
  'horovod-shard': ['@dataref/core', '@tensorflow/*', 'onnxruntime-common', 'koffi'],
};
/** Slow to load, so that they are loaded when they are needed. */
const LAZY_PACKAGES = ['tinypool', 'sharp'];
/** Optional peers of core, each reached from one entry alone and by import() alone: nobody else needs to have it. */
const SDK_OF_ENTRY: Record<string, string> = { s3: '@aws-sdk/client-s3', gcs: '@google-cloud/storage' };
const MAX_LINES = 300;
const BANNED_NAMES = /(?:^|\/)(?:util|utils|helper|helpers|misc|common)(?:\.ts|\/)/;

/** Returns the room of a file below packages/core/src, or its first folder when there is no such room. */
function roomOf(path: string): string {
  const [first = '', ...rest] = path.split('/');
  const name = first.replace(/\.ts$/, '');
  const isEntry = rest.length === 0 ? ENTRIES.includes(name) : name === 'testing';
  return isEntry ? 'entries' : name;
}

function isAllowed(name: string, allowed: readonly string[]): boolean {
  return allowed.some((entry) => (entry.endsWith('/*') ? name.startsWith(entry.slice(0, -1)) : name === entry));
}

/** An import of something that is not in the package itself. */
interface ForeignImport {
  readonly from: string;
  readonly specifier: string;
  readonly isDynamic: boolean;
}

/** Walks a built module's imports as a bundler for browsers does, and returns those that leave the package. */
function foreignImports(entry: string): ForeignImport[] {
  const foreign: ForeignImport[] = [];
  const seen = new Set<string>();
  const waiting = [entry];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    for (const { specifier, isDynamic } of importsOfFile(path)) {
      const own = ownFile(path, specifier);
      if (own === undefined) foreign.push({ from: relative(ROOT, path), specifier, isDynamic });
      else waiting.push(own);
    }
  }
  return foreign;
}

/** Sources of a package's own that are loaded with a built entry, before anything is called. */
function loadedWith(entry: string): string[] {
  const loaded = new Set<string>();
  const waiting = [entry];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (loaded.has(path)) continue;
    loaded.add(path);
    for (const { specifier, isDynamic } of importsOfFile(path))
      if (!isDynamic && specifier.startsWith('.')) waiting.push(join(dirname(path), specifier));
  }
  const sources = join(dirname(entry), '../src');
  return Array.from(loaded).flatMap((path) => sourcesOf(path).map((source) => relative(sources, source)));
}

/** What a built file was made of: one source, or those of a bundle. A door to a bundle has no map of its own. */
function sourcesOf(path: string): string[] {
  if (!readFileSync(path, 'utf8').includes('//# sourceMappingURL=')) return [];
  const { sources } = readJson(`${path}.map`) as { sources: string[] };
  return sources.map((source) => join(dirname(path), source));
}

/** The file that a specifier of a built file of ours stands for in a browser; undefined for another package. */
function ownFile(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return join(dirname(path), specifier);
  return specifier.startsWith('#') ? otherThanNode(path, specifier) : ownEntry(specifier);
}

/** The file that `@dataref/core/…` stands for in a bundle for browsers; undefined for another package. */
function ownEntry(specifier: string): string | undefined {
  if (packageOf(specifier) !== '@dataref/core') return undefined;
  const { exports } = readJson(PACKAGES, 'core/package.json') as { exports: Record<string, Record<string, string>> };
  const conditions = exports[specifier.replace('@dataref/core', '.')];
  return join(PACKAGES, 'core', conditions?.['browser'] ?? conditions?.['default'] ?? `no entry ${specifier}`);
}

/** One line for each import of a built entry that a browser could not load. */
function nodeImports(entry: string, allowed: readonly string[]): string[] {
  return foreignImports(entry).flatMap(({ from, specifier, isDynamic }) => {
    if (isBuiltin(specifier)) return [`${from} imports Node's ${specifier}`];
    if (!isAllowed(packageOf(specifier), allowed)) return [`${from} imports ${specifier}`];
    if (!isDynamic && LAZY_PACKAGES.includes(packageOf(specifier)))
      return [`${from} imports ${specifier} at load time`];
    return [];
  });
}

/** The file that a runtime other than Node takes for a `#name` of the package that a built file belongs to. */
function otherThanNode(path: string, specifier: string): string {
  const folder = path.slice(0, path.lastIndexOf('/dist/'));
  const { imports } = readJson(folder, 'package.json') as { imports: Record<string, { default: string }> };
  return join(folder, imports[specifier]?.default ?? specifier);
}

test('imports are found in statements and calls, and not in comments', () => {
  const text = [
    "import a, { type B } from 'a';",
    "import {\n  c,\n  d as e,\n} from './c.js';",
    "import 'side-effect';",
    "import type { F } from 'f';",
    "export * as g from 'g';",
    'export { h } from "h";',
    "const i = await import('i');",
    "type J = import('j').J;",
    " * import k from 'k';",
    "// import l from 'l';",
    "export const m = 'm', from = 'n';",
  ].join('\n');
  expect(importsOf(text).map((found) => found.specifier)).toEqual(
    ['a', './c.js', 'side-effect', 'f', 'g', 'h', 'i', 'j'], //
  );
});

describe('core', () => {
  const src = join(PACKAGES, 'core/src');

  test('every file is in a room that has a place in the order', () => {
    expect(sourceFiles(src).filter((path) => !ROOMS.includes(roomOf(path)))).toEqual([]);
  });

  test('a room imports only from itself and the rooms below it', () => {
    const upward = sourceFiles(src).flatMap((path) =>
      importsOfFile(join(src, path))
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts'))
        .filter((target) => ROOMS.indexOf(roomOf(target)) > ROOMS.indexOf(roomOf(path)))
        .map((target) => `${path} imports ${target}`),
    );
    expect(upward).toEqual([]);
  });

  test.each(['index', 'store', 'http'])(
    '%s.js reaches no module of Node, and what is slow to load only when it is asked for',
    (name) => {
      const entry = join(PACKAGES, `core/dist/${name}.js`);
      const sdks = Object.values(SDK_OF_ENTRY);
      const bundled = ['apache-arrow', 'seedrandom'];
      const allowed = (ALLOWED_PACKAGES['core'] ?? []).filter((one) => !sdks.includes(one) && !bundled.includes(one));
      expect(nodeImports(entry, allowed)).toEqual([]);
    },
  );

  test('only openStorage imports an entry by name, when it is asked for, so that a bundler finds what it can take', () => {
    const byName = sourceFiles(src).flatMap((path) =>
      importsOfFile(join(src, path))
        .filter(({ specifier }) => packageOf(specifier) === '@dataref/core')
        .map(({ isDynamic }) => ({ path, isDynamic })),
    );
    expect(new Set(byName.map((found) => JSON.stringify(found)))).toEqual(
      new Set([JSON.stringify({ path: 'open-storage.ts', isDynamic: true })]),
    );
  });

  test('a browser is given every name of an entry that needs Node', async () => {
    const { exports } = readJson(PACKAGES, 'core/package.json') as { exports: Record<string, Record<string, string>> };
    const standIns = Object.entries(exports).filter(([, { browser }]) => browser?.endsWith('/node-only.js'));
    expect(standIns.length).toBeGreaterThan(0);
    for (const [name] of standIns) {
      const entry = `@dataref/core${name.slice(1)}`;
      const standIn = (await import(join(PACKAGES, 'core/dist/node-only.js'))) as Record<string, new () => unknown>;
      for (const exported of Object.keys((await import(entry)) as object)) {
        const make = () => new (standIn[exported] as new () => unknown)();
        expect(make).toThrow(
          expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining(exported) }),
        );
      }
    }
  });

  test('a program that reads files loads nothing that only writing, building or housekeeping needs', () => {
    const loaded = loadedWith(join(PACKAGES, 'core/dist/fs.js'));
    expect(loaded).toContain(join('store', 'file-store.ts'));
    const isForWriting =
      /(?:write|writes|writer|blocks|shares?|claim|lease|leases|beats?|beat-thread|lock|workshop|cacheable|vacuum|verify|copy|listing|arrow)\.ts$/u;
    expect(loaded.filter((path) => isForWriting.test(path))).toEqual([join('storage', 'share-writer.ts')]); // a facade
  });

  test('an SDK is reached from its own entry alone, and only when it is asked for', () => {
    const entries = ENTRIES.filter((name) => existsSync(join(PACKAGES, `core/dist/${name}.js`)));
    const found = entries.flatMap((name) =>
      foreignImports(join(PACKAGES, `core/dist/${name}.js`))
        .filter(({ specifier }) => Object.values(SDK_OF_ENTRY).includes(packageOf(specifier)))
        .filter(({ specifier, isDynamic }) => !isDynamic || SDK_OF_ENTRY[name] !== packageOf(specifier))
        .map(({ from, specifier }) => `${name}: ${from} imports ${specifier}`),
    );
    expect(found).toEqual([]);
  });
});

describe.each(readdirSync(PACKAGES).filter((name) => existsSync(join(PACKAGES, name, 'package.json'))))(
  '%s',
  (name) => {
    const src = join(PACKAGES, name, 'src');

    test('imports only the packages that it may', () => {
      const allowed = ALLOWED_PACKAGES[name] ?? [];
      const foreign = sourceFiles(src).flatMap((path) =>
        importsOfFile(join(src, path))
          .filter(({ specifier }) => !/^(?:[.#]|node:)/u.test(specifier))
          .filter(({ specifier }) => !isAllowed(packageOf(specifier), allowed))
          .map(({ specifier }) => `${path} imports ${specifier}`),
      );
      expect(foreign).toEqual([]);
    });

    test('stays inside its own folder', () => {
      const outside = sourceFiles(src).flatMap((path) =>
        importsOfFile(join(src, path))
          .filter(({ specifier }) => posix.join(posix.dirname(path), specifier).startsWith('..'))
          .map(({ specifier }) => `${path} imports ${specifier}`),
      );
      expect(outside).toEqual([]);
    });

    test(`has files of at most ${MAX_LINES} lines`, () => {
      const long = sourceFiles(src)
        .map((path) => ({ path, lines: readFileSync(join(src, path), 'utf8').trimEnd().split('\n').length }))
        .filter(({ lines }) => lines > MAX_LINES);
      expect(long).toEqual([]);
    });

    test('names each file after its one job', () => {
      const vague = sourceFiles(src).filter((path) => BANNED_NAMES.test(path));
      const notKebab = sourceFiles(src).filter((path) => !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(basename(path, '.ts')));
      expect({ vague, notKebab }).toEqual({ vague: [], notKebab: [] });
    });
  },
);
