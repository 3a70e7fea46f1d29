// node replacer.mjs <folder> <rank> <times>: replaces an array so many times, and fills each with a number of its own.
import { isDataRefError } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { openArrays } from '@dataref/arrays';

const [folder, rank, times] = process.argv.slice(2);
const arrays = openArrays(new FileStorage(folder));
const form = { shape: [8, 4], chunk: [2, 4], dtype: 'int32', recordAxes: 1, ifExists: 'replace' };
console.log('ready');
await new Promise((resolve) => process.stdin.once('data', resolve));
for (let i = 0; i < Number(times); i++) {
  const tag = 1000 * (Number(rank) + 1) + i;
  try {
    const array = await arrays.array('x', form);
    await array.set([], tag);
    await array.shapes.set([], 1 + (tag % 4));
    console.log(`wrote ${tag}`);
  } catch (error) {
    if (!isDataRefError(error, 'GENERATION_GONE')) throw error;
    console.log(`gone ${tag}`);
  }
}
process.exit(0);
