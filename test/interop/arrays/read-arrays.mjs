// Opens what write_arrays.py wrote: equal to the bit. node read-arrays.mjs FOLDER
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileStorage } from '@dataref/core/fs';
import { openArrays } from '@dataref/arrays';
import { bytesIn } from './values.mjs';

const folder = process.argv[2];
const arrays = openArrays(new FileStorage(folder));
const written = JSON.parse(await readFile(join(folder, 'written.json'), 'utf8'));
const wrong = [];
for (const { name, dtype, shape, isLossy } of written) {
  try {
    const array = await arrays.openArray(name);
    const found = await array.get([null]);
    const expected = await readFile(join(folder, `${name}.bin`));
    const bytes = Buffer.from(bytesIn(found.data));
    const isNear = (value, i) => Math.abs(value - expected[i]) <= 3;
    const isEqual = isLossy ? bytes.length === expected.length && bytes.every(isNear) : bytes.equals(expected);
    const isSame = array.dtype === dtype && JSON.stringify(found.shape) === JSON.stringify(shape);
    if (!isEqual || !isSame)
      wrong.push(`${name}: ${array.dtype}[${found.shape.join(', ')}], expected ${dtype}[${shape}]`);
  } catch (error) {
    wrong.push(`${name}: ${error.message}`);
  }
}
if (wrong.length > 0)
  throw new Error(`${wrong.length} of ${written.length} are not read as Python reads them:\n${wrong.join('\n')}`);
console.log(`arrays: ${written.length} written in Python are read in Node`);
