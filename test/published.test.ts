import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { tempFolder } from './crash/process.js';
import { importsOf, readJson } from './imports.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What a program of another project does with the package: stores, builds once, reads, maps in threads, resumes. */
const PROGRAM = `
import { fromColumns } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
const storage = new FileStorage('data');
const data = fromColumns({ x: Float64Array.from({ length: 100 }, (_, i) => i) });
const stored = await storage.cacheable('built', '1', () => data);
const build = () => stored.stream({ shuffle: true, shuffleSeed: 1 })
  .map(new URL('./double.mjs', import.meta.url), { workers: 1 }).filter(({ x }) => x > 0).batch(10);
const seen = [];
for await (const batch of build()) seen.push({ x: batch.records().map(({ x }) => x), state: batch.state });
const rest = [];
for await (const batch of build().resume(seen[3].state)) rest.push(batch.records().map(({ x }) => x));
console.log(JSON.stringify({ all: seen.map(({ x }) => x), rest }));
`;

const BROWSER = `
import { fromColumns } from '@dataref/core';
import { HttpStorage } from '@dataref/core/http';
export { fromColumns, HttpStorage };
`;

let folder: string;
beforeAll(() => {
  folder = tempFolder();
  const installed = join(folder, 'node_modules/@dataref/core');
  mkdirSync(installed, { recursive: true });
  const packed = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  execFileSync('npm', packed, { cwd: join(ROOT, 'packages/core'), stdio: 'pipe', shell: process.platform === 'win32' });
  const [archive] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  execFileSync('tar', ['-xzf', join(folder, archive as string), '-C', installed, '--strip-components', '1']);
  const { dependencies } = readJson(ROOT, 'packages/core/package.json') as { dependencies: object };
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name), 'junction');
  }
});

describe('a package that is packed and unpacked elsewhere', () => {
  test('works, its threads too, with what it says that it depends on', () => {
    writeFileSync(join(folder, 'double.mjs'), 'export default ({ x }) => ({ x: x * 2 });');
    writeFileSync(join(folder, 'main.mjs'), PROGRAM);
    const output = execFileSync(process.execPath, ['main.mjs'], { cwd: folder, encoding: 'utf8' });
    const { all, rest } = JSON.parse(output) as { all: number[][]; rest: number[][] };
    expect(all.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 99 }, (_, i) => 2 * (i + 1)));
    expect(rest).toEqual(all.slice(4));
  });

  test('says in its messages what its sources say', () => {
    const program = `
      import { fromColumns } from '@dataref/core';
      try { fromColumns({ x: new Uint8Array(1) }).stream().map((x) => x, { workers: 1 }) } catch ({ message }) { console.log(message) }`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(output).toContain("map(new URL('./augment.js', import.meta.url), { workers: 2 })");
  });

  test('is bundled for browsers without a module of Node, and without a warning', () => {
    writeFileSync(join(folder, 'browser.mjs'), BROWSER);
    const rolldown = join(ROOT, 'node_modules/rolldown/bin/cli.mjs');
    const args = [rolldown, 'browser.mjs', '--platform', 'browser', '--format', 'esm', '--dir', 'out', '--minify'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    expect([status, `${stdout}${stderr}`]).toEqual([0, expect.not.stringMatching(/warn|unresolved|could not/iu)]);
    const outside = readdirSync(join(folder, 'out')).flatMap((name) =>
      importsOf(readFileSync(join(folder, 'out', name), 'utf8')).filter(({ specifier }) => !specifier.startsWith('.')),
    );
    expect(outside).toEqual([]);
  });

  test('holds no map that fits no module, and for each declaration its source', () => {
    const files = readdirSync(join(folder, 'node_modules/@dataref/core'), { recursive: true, encoding: 'utf8' });
    for (const path of files) {
      if (path.endsWith('.js.map'))
        expect(readFileSync(join(folder, 'node_modules/@dataref/core', path.slice(0, -4)), 'utf8')).toMatch(
          /\/\/# sourceMappingURL=.+\s*$/u,
        );
      if (!path.endsWith('.d.ts.map')) continue;
      const { sources } = readJson(folder, 'node_modules/@dataref/core', path) as { sources: string[] };
      for (const source of sources) expect(files).toContain(join(dirname(path), source));
    }
  });
});
