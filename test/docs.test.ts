import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { transformSync } from '@swc/core';
import { scale } from '../packages/core/test/scale.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));

interface Block {
  readonly language: string;
  readonly code: string;
}

/** The fenced blocks of a page. */
function blocksOf(page: string): Block[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gmsu)].map(([, language, code]) => ({
    language: language as string,
    code: code as string,
  }));
}

/** What Hub v1 stored. */
const { files: hubFiles } = JSON.parse(
  readFileSync(join(root, 'packages/arrays/test/hub-v1/golden/hub-v1.json'), 'utf8'),
) as { readonly files: Readonly<Record<string, string>> };

/** An image of 40 × 32 pixels, made by sharp. */
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAACgAAAAgCAMAAABXc8oyAAAAA1BMVEXIPAqr4GrDAAAACXBIWXMAAAPoAAAD6AG1e1JrAAAAFElEQVR42mNgGAWjYBSMglGADQAABSAAARO0/tcAAAAASUVORK5CYII=';

/** The files that the pages' programs read. */
function writeFixtures(folder: string): void {
  writeFileSync(join(folder, 'reviews.jsonl'), '{"text":"good","stars":5}\n\n{"text":"bad","stars":1}\n\n');
  writeFileSync(
    join(folder, 'augment.js'),
    'export default ({ x }, { random }) => ({ x, noisy: Float32Array.of(x, random()) });\n',
  );
  writeFileSync(
    join(folder, 'batches.js'),
    "import { fromColumns, ndarray } from '@dataref/core';\n" +
      'const digits = fromColumns({ image: ndarray(new Uint8Array(200 * 16), [200, 4, 4]) });\n' +
      'export default () => digits.stream({ shuffle: true, shuffleSeed: 777 }).batch(32);\n',
  );
  writeFileSync(join(folder, 'iris.csv'), 'length,width,species\n5.1,3.5,setosa\n6.2,2.9,versicolor\n');
  for (const name of ['cat', 'dog']) {
    mkdirSync(join(folder, 'images', name), { recursive: true });
    writeFileSync(join(folder, 'images', name, '1.png'), Buffer.from(PNG, 'base64'));
  }
  writeFileSync(
    join(folder, 'images.idx3-ubyte'),
    Buffer.from([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8]),
  );
  writeFileSync(join(folder, 'labels.idx1-ubyte'), Buffer.from([0, 0, 8, 1, 0, 0, 0, 2, 7, 2]));
  for (const [path, bytes] of Object.entries(hubFiles)) {
    if (!path.startsWith('data/')) continue;
    mkdirSync(dirname(join(folder, 'hub-data', path)), { recursive: true });
    writeFileSync(join(folder, 'hub-data', path), Buffer.from(bytes, 'base64'));
  }
}

const packages = readdirSync(join(root, 'packages')).map((name) => `packages/${name}/README.md`);
const docs = ['docs/recipes.md', 'docs/coverage.md', 'docs/data-parallel-onnx.md'];
const pages = ['README.md', ...docs, ...packages].map((page, i) => ({
  page,
  folder: `page-${i}`,
  programs: blocksOf(page).filter(({ language }) => language === 'ts'),
}));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(root, 'test', '.docs-'));
  for (const { folder: name, programs } of pages) {
    mkdirSync(join(folder, name));
    writeFixtures(join(folder, name));
    programs.forEach(({ code }, i) => writeFileSync(join(folder, name, `program-${i}.mts`), code));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the programs of all pages compile with the tsconfig of the README', async () => {
  const config = blocksOf('README.md').find(({ language }) => language === 'json') as Block;
  const { compilerOptions } = JSON.parse(config.code) as { compilerOptions: object };
  const options = { ...compilerOptions, noEmit: true, types: ['node'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*/*.mts'] }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const result = await run(process.execPath, [tsc, '-p', folder]).catch((error: { stdout: string }) => error);
  expect(result.stdout).toBe('');
}, 60_000);

// In full each is a process of its own, which no other has imported anything for: most of the time goes into loading.
test.each(pages)(
  'the programs of $page run one after another',
  async ({ folder: name, programs }) => {
    expect(programs.length).toBeGreaterThan(0);
    for (const [i, { code }] of programs.entries()) {
      const { code: javaScript } = transformSync(code, {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'es6' },
      });
      writeFileSync(join(folder, name, `program-${i}.mjs`), javaScript);
    }
    const files = programs.map((_, i) => `program-${i}.mjs`);
    const imports = files.map((file) => `await import('./${file}');\n`);
    writeFileSync(join(folder, name, 'all.mjs'), imports.join(''));
    for (const file of scale < 1 ? ['all.mjs'] : files)
      await run(process.execPath, [file], { cwd: join(folder, name), timeout: 120_000 });
  },
  180_000,
);

test('the examples that need nothing else print what their pages say', async () => {
  const walkthrough = await run(process.execPath, [join(root, 'examples/walkthrough/dist/main.js')]);
  expect(walkthrough.stdout.trim()).toBe('[5 1 9 6 7] [1 7 3 9 8] [2 6 0 4 5] [9 5 3 0 8] [6 7 4 1 2]');
  const custom = await run(process.execPath, [join(root, 'examples/custom-data-ref/dist/main.js')]);
  const [before = '', after = ''] = custom.stdout.split('resumed:\n');
  const indices = `${before}${after}`.match(/(?<=: ).*/gu)?.flatMap((line) => line.split(' ').map(Number));
  expect(new Set(indices).size).toBe(50);
}, 120_000);

test('the example of arrays prints what its page says, and a killed training goes on to the bit', async () => {
  const [tutorial, digits] = [
    ...readFileSync(join(root, 'examples/arrays/README.md'), 'utf8').matchAll(/^```\n(.*?)^```$/gmsu),
  ];
  const program = (name: string) =>
    run(process.execPath, [join(root, `examples/arrays/dist/${name}.js`), join(folder, name)], { timeout: 90_000 });
  // Each build of zlib compresses a little differently, and the kill is at random.
  const stable = (text: string | undefined) => text?.replaceAll(/\d+ of 3145728|after step \d+|with step \d+/gu, '…');
  expect(stable((await program('tutorial')).stdout)).toBe(stable(tutorial?.[1]));
  expect(stable((await program('digits')).stdout)).toBe(stable(digits?.[1]));
}, 180_000);
