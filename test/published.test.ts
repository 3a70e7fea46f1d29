import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { tempFolder } from './crash/process.js';
import { readJson } from './imports.js';

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

test('a package that is packed and unpacked elsewhere works, its threads too, with what it says that it depends on', () => {
  const folder = tempFolder();
  const installed = join(folder, 'node_modules/@dataref/core');
  mkdirSync(installed, { recursive: true });
  const { dependencies } = readJson(ROOT, 'packages/core/package.json') as { dependencies: object };
  const packed = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  execFileSync('npm', packed, { cwd: join(ROOT, 'packages/core'), stdio: 'pipe', shell: process.platform === 'win32' });
  const [archive] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  execFileSync('tar', ['-xzf', join(folder, archive as string), '-C', installed, '--strip-components', '1']);
  writeFileSync(join(folder, 'double.mjs'), 'export default ({ x }) => ({ x: x * 2 });');
  writeFileSync(join(folder, 'main.mjs'), PROGRAM);
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name), 'junction');
  }

  const output = execFileSync(process.execPath, ['main.mjs'], { cwd: folder, encoding: 'utf8' });
  const { all, rest } = JSON.parse(output) as { all: number[][]; rest: number[][] };
  expect(all.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 99 }, (_, i) => 2 * (i + 1)));
  expect(rest).toEqual(all.slice(4));
});
