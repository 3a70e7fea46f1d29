// Compiles every src/kernel/*.wat to a sibling *-wasm.ts that holds the module as a base64 string.
// Run `node packages/core/scripts/build-kernel.mjs` after editing a .wat and commit both files.
// With --check it writes nothing and fails when a generated file is not what its .wat compiles to.
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import wabtInit from 'wabt';

const KERNEL_DIR = new URL('../src/kernel/', import.meta.url);
const BASE64_COLUMNS = 112;

const { values: options } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const wabt = await wabtInit();
const sources = (await readdir(KERNEL_DIR)).filter((name) => name.endsWith('.wat')).sort();

for (const source of sources) {
  const target = source.replace(/\.wat$/, '-wasm.ts');
  const text = render(source, compile(source, await readFile(new URL(source, KERNEL_DIR), 'utf8')));
  if (!options.check) {
    await writeFile(new URL(target, KERNEL_DIR), text);
  } else if (text !== (await readFile(new URL(target, KERNEL_DIR), 'utf8').catch(() => undefined))) {
    console.error(`${target} is not what ${source} compiles to: run node packages/core/scripts/build-kernel.mjs`);
    process.exitCode = 1;
  }
}

/** Returns the binary module of a text module, in base64. */
function compile(name, wat) {
  const module = wabt.parseWat(name, wat, { simd: true, bulk_memory: true });
  try {
    module.validate();
    return Buffer.from(module.toBinary({}).buffer).toString('base64');
  } finally {
    module.destroy();
  }
}

function render(source, base64) {
  const constant = source
    .replace(/\.wat$/, '_WASM')
    .replaceAll('-', '_')
    .toUpperCase();
  const lines = base64.match(new RegExp(`.{1,${BASE64_COLUMNS}}`, 'g')).map((line) => `  '${line}'`);
  return [
    `// Generated from ${source} by packages/core/scripts/build-kernel.mjs. Do not edit.`,
    '',
    `/** The binary of ${source}, in base64. */`,
    `export const ${constant} =`,
    `${lines.join(' +\n')};`,
    '',
  ].join('\n');
}
