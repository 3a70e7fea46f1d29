// Writes arrays of every dtype and codec for read_arrays.py, with what is in them as plain little-endian bytes beside.
// node write-arrays.mjs FOLDER
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openStorage } from '@dataref/core';
import { openArrays, slice } from '@dataref/arrays';
import { DTYPES, bytesIn, valuesOf } from './values.mjs';

const folder = process.argv[2];
const arrays = openArrays(await openStorage(`file:${folder}`));
const written = [];
await mkdir(folder, { recursive: true });

async function write(name, options, values) {
  const { shape, dtype } = options;
  const array = await arrays.array(name, { ...options, chunk: options.chunk ?? [3, ...shape.slice(1)] });
  await array.set([null], { dtype, shape, data: values });
  await writeFile(join(folder, `${name}.bin`), bytesIn(values));
  written.push({ name, dtype, shape, isLossy: options.compress === 'jpeg' });
}

for (const dtype of DTYPES)
  for (const compress of ['none', 'gzip', 'zlib', 'lz4', 'zstd', 'blosc'])
    for (const checksum of [true, false]) {
      const shape = [7, 5, 6];
      const options = { shape, chunk: [3, 2, 6], dtype, compress, checksum };
      await write(`${dtype}-${compress}-${checksum}`, options, valuesOf(dtype, 7 * 5 * 6));
    }
for (const [compress, channels] of [
  ['png', 1],
  ['png', 3],
  ['png', 4],
  ['jpeg', 1],
  ['jpeg', 3],
]) {
  const shape = [5, 16, 12, channels];
  const values = Uint8Array.from({ length: 5 * 16 * 12 * channels }, (_, i) => 100 + 80 * Math.sin(i / 300));
  await write(`image-${compress}-${channels}`, { shape, dtype: 'uint8', compress }, values);
}
const sparse = await arrays.array('sparse', { shape: [10, 4], chunk: [2, 4], dtype: 'int16' });
await sparse.set([slice(2, 3)], 7);
const values = new Int16Array(40).fill(7, 8, 12);
await writeFile(join(folder, 'sparse.bin'), bytesIn(values));
written.push({ name: 'sparse', dtype: 'int16', shape: [10, 4], isLossy: false });
await writeFile(join(folder, 'written.json'), JSON.stringify(written));
