import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, jest, test } from '@jest/globals';
import { transformSync } from '@swc/core';
import { listing, run, tempFolder } from '../crash/process.js';

jest.setTimeout(600_000);
const CORE = fileURLToPath(new URL('../../packages/core/dist/', import.meta.url));

test('all leases of a process share one thread, which ends with the last of them and keeps no process alive', async () => {
  const folder = tempFolder();
  const { code, lines, errors } = await run(process.execPath, [join(import.meta.dirname, 'threads.mjs'), folder]);
  expect([code, errors]).toEqual([0, '']);
  expect(JSON.parse(lines[0] as string)).toEqual({ before: 0, during: 1, after: 0 });
  expect(listing(folder).filter((path) => path.startsWith('.tmp~'))).toEqual(['.tmp~/']);
});

test('as a decorator, it makes a method cacheable', async () => {
  const folder = tempFolder();
  const program = `
    import { fromColumns } from '${CORE}index.js';
    import { FileStorage } from '${CORE}fs.js';
    const storage = new FileStorage(${JSON.stringify(join(folder, 'data'))});
    class Loader {
      runs = 0;
      factor = 2;
      @storage.cacheable('numbers', '1')
      async load(n: number) {
        this.runs++;
        return fromColumns(Int32Array.of(n * this.factor));
      }
    }
    const loader = new Loader();
    console.log(await (await loader.load(4)).at(0), await (await loader.load(5)).at(0), loader.runs);
  `;
  const { code: javaScript } = transformSync(program, {
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { decoratorVersion: '2022-03' },
      target: 'es2022',
    },
    module: { type: 'es6' },
  });
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'program.mjs'), javaScript);
  const { code, lines, errors } = await run(process.execPath, [join(folder, 'program.mjs')]);
  expect([code, errors, lines]).toEqual([0, '', ['8 8 1']]);
});
