// node interleaved-writer.mjs <folder> <rank> <of>: writes every of-th place of an array, some at a time, and appends to another.
import { FileStorage } from '@dataref/core/fs';
import { openArrays, slice } from '@dataref/arrays';

const [folder, rank, of] = process.argv.slice(2);
const arrays = openArrays(new FileStorage(folder));
const shared = await arrays.openArray('shared');
const step = Number(of);
const [length] = shared.shape;
console.log('ready');
await new Promise((resolve) => process.stdin.once('data', resolve));
for (let at = 0; at < length; at += length / 4)
  await shared.set([slice(at + Number(rank), at + length / 4, step)], Number(rank) + 1);
for (let i = 0; i < 4; i++) {
  const log = await arrays.openArray('log');
  console.log(`at ${await log.append([[Number(rank), i]])}`);
}
process.exit(0);
