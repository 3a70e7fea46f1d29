// node write-page.mjs FOLDER: the dataset that docs/arrays-in-python.md opens.
import { ndarray } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { openArrays } from '@dataref/arrays';

const LENGTH = 200;
const arrays = openArrays(new FileStorage(process.argv[2]));
const pixels = Uint8Array.from({ length: LENGTH * 784 }, (_, i) => (i * 7919) % 251);
const image = await arrays.array('mnist/train:images', {
  shape: [LENGTH, 28, 28],
  chunk: [50, 28, 28],
  dtype: 'uint8',
});
const label = await arrays.array('mnist/train:labels', { shape: [LENGTH], chunk: [100], dtype: 'uint8' });
await image.set([], ndarray(pixels, [LENGTH, 28, 28]));
await label.set(
  [],
  Uint8Array.from({ length: LENGTH }, (_, i) => i % 10),
);
await arrays.dataset('mnist/train', { image, label });
