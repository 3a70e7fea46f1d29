// The tutorial of Hub v1, section by section. Shapes are its own; chunks of images are of 1 image instead of 100, since a
// chunk is what one write holds in memory: 3 MB here, 315 MB there.
import { execFileSync } from 'node:child_process';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDataRefError, ndarray } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { openArrays, slice } from '@dataref/arrays';
import '@dataref/tfjs';

const directory = process.argv[2] ?? fileURLToPath(new URL('../data/tutorial', import.meta.url));
await rm(directory, { recursive: true, force: true });

const shown = (shape: readonly number[]): string => `(${shape.join(', ')})`;

// A storage: S3Storage of '@dataref/core/s3' and GCSStorage of '@dataref/core/gcs' take its place, and nothing else changes.
const storage = new FileStorage(directory);
const arrays = openArrays(storage);

console.log('# Creating an array');
const shape = [100_000, 512, 512, 3] as const;
const chunk = [1, 512, 512, 3] as const;
const bigarray = await arrays.array('your_array_name', { shape, chunk, dtype: 'int32' });
console.log(
  `${shown(bigarray.shape)} ${bigarray.dtype}, 315 GB if it were full; pixel 0: ${await bigarray.get([0, 0, 0, 0])}`,
);
// The tutorial writes np.random.random, which numpy turns into zeros on the way to int32; here it would be LOSSY_CAST.
const values = Int32Array.from({ length: 512 * 512 * 3 }, (_, i) => 100 + 100 * Math.sin(i / 500) + ((i * 7919) % 13));
const image = ndarray(values, [512, 512, 3]);
await bigarray.set([0], image);

console.log('# Opening it in another process');
const reader = fileURLToPath(new URL('./reader.js', import.meta.url));
process.stdout.write(execFileSync(process.execPath, [reader, directory], { encoding: 'utf8' }));

console.log('# Creating a dataset');
const x = await arrays.array('test/example:input', { shape: [100, 25, 25], chunk: [20, 5, 5], dtype: 'uint8' });
const y = await arrays.array('test/example:label', { shape: [100, 4], chunk: [20, 2], dtype: 'uint8' });
const made = await arrays.dataset('test/dataset:train', { input: x, label: y });
const ones = ndarray(new Float32Array(2 * 25 * 25).fill(1), [2, 25, 25]);
await made.arrays.input.set([slice(1, 3)], ones);
await made.set('input', [slice(1, 3)], ones); // the alternative syntax
const ds = await arrays.openDataset('test/dataset:train');
const { input } = await made.at(1);
console.log(`${ds.length} records of ${Object.keys(ds.arrays).join(' and ')}; record 1 adds up to ${sumOf(input)}`);
console.log(`the first four records: ${sumOf(await x.get([slice(4)]))}, that is 2 × 25 × 25`);

console.log('# Compression');
const options = { shape, chunk, dtype: 'int32', compress: 'gzip', ifExists: 'replace' } as const;
for (const compressLevel of [0, 0.3, 1]) {
  const compressed = await arrays.array('your_array_name', { ...options, compressLevel });
  await compressed.set([0], image);
  console.log(
    `gzip, compressLevel ${compressLevel}: ${await storedBytes('your_array_name')} of ${image.data.byteLength} bytes`,
  );
}

console.log('# Into TensorFlow.js');
const images = await arrays.array('test/dataloaders/images3', {
  shape: [100, 100, 100],
  chunk: [1, 100, 100],
  dtype: 'uint8',
});
const labels = await arrays.array('test/dataloaders/labels3', { shape: [100, 1], chunk: [100, 1], dtype: 'uint8' });
const loaders = await arrays.dataset('test/loaders/dataset2', { images, labels });
const iterator = await loaders.stream().batch(16).toTfDataset().iterator();
const { value: batch } = await iterator.next();
console.log(`a batch: images ${shown(batch.images.shape)}, labels ${shown(batch.labels.shape)}`);

console.log('# Tips');
const again = await arrays.openArray('your_array_name');
console.log(`[0:10, :, :, :2] is ${shown((await again.get([slice(0, 10), null, null, slice(2)])).shape)}`);
const two = ndarray(new Int32Array(2 * 512 * 512 * 3).fill(9), [2, 512, 512, 3]);
try {
  await again.set([slice(0, 1)], two); // as the tutorial has it: numpy refuses that too
} catch (error) {
  if (!isDataRefError(error)) throw error;
  console.log(`${error.code}: ${error.message}`);
}
await again.set([slice(0, 2)], two); // both chunks at the same time; one after the other is two round trips
console.log(`pixels of images 0, 1 and 2: ${(await again.get([slice(3), 0, 0, 0])).data.join(', ')}`);

for await (const { name, kind } of arrays.list()) console.log(`${kind.padEnd(7)} ${name}`);

function sumOf({ data }: { readonly data: ArrayLike<number | bigint> }): number {
  return Array.from(data, Number).reduce((sum, value) => sum + value, 0);
}

/** Of an array's chunks, on the disk. */
async function storedBytes(name: string): Promise<number> {
  const entries = await readdir(join(directory, 'arrays%', name), { recursive: true, withFileTypes: true });
  const chunks = entries.filter((entry) => entry.isFile() && entry.name !== 'zarr.json');
  const sizes = await Promise.all(chunks.map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
