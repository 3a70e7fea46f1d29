// node chunk-writer.mjs <folder> <tag>: fills an array with the tag, then with the next one, until it is killed. Every second
// time it writes parts of chunks, which are read first.
import { FileStorage } from '@dataref/core/fs';
import { openArrays, slice } from '@dataref/arrays';

const [folder, first] = process.argv.slice(2);
const array = await openArrays(new FileStorage(folder)).openArray('killed');
for (let tag = Number(first); ; tag++) {
  console.log(`begin ${tag}`);
  if (tag % 2 === 0) await array.set([], tag);
  else await Promise.all([array.set([slice(0, null, 2)], tag), array.set([slice(1, null, 2)], tag)]);
  console.log(`done ${tag}`);
}
