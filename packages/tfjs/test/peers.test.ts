import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const run = promisify(execFile);
const PACKAGES = fileURLToPath(new URL('../..', import.meta.url));
const MODULES = join(PACKAGES, '../node_modules');

test('of two copies of TensorFlow.js, a dataset belongs to the one that was given', async () => {
  const { stdout } = await run(process.execPath, [
    fileURLToPath(new URL('./programs/two-copies.mjs', import.meta.url)),
  ]);
  expect(JSON.parse(stdout)).toEqual({ areTwo: true, byDefault: [true, false], given: [false, true], epoch: [0, 1] });
}, 60_000);

test('without TensorFlow.js the import works, and the first use says what to install', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dataref-no-peer-'));
  try {
    for (const name of ['core', 'tfjs']) {
      const target = join(folder, 'node_modules/@dataref', name);
      await cp(join(PACKAGES, name, 'dist'), join(target, 'dist'), { recursive: true });
      await cp(join(PACKAGES, name, 'package.json'), join(target, 'package.json'));
    }
    const { dependencies } = JSON.parse(await readFile(join(PACKAGES, 'core/package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    for (const name of Object.keys(dependencies)) {
      const link = join(folder, 'node_modules', name);
      await mkdir(dirname(link), { recursive: true });
      await symlink(join(MODULES, name), link);
    }
    const program = `
      import { fromColumns } from '@dataref/core';
      import '@dataref/tfjs';
      try {
        fromColumns(new Float32Array(2)).stream().toTfDataset();
      } catch ({ code, message }) {
        console.log(JSON.stringify({ code, message }));
      }`;
    await writeFile(join(folder, 'program.mjs'), program);
    const { stdout } = await run(process.execPath, ['program.mjs'], { cwd: folder });
    expect(JSON.parse(stdout)).toEqual({
      code: 'MISSING_PACKAGE',
      message: expect.stringContaining('npm i @tensorflow/tfjs'),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);
