// node arrays.mjs LIBRARY OPERATION FOLDER NAME PATH: an array of a storage read or written in slices by ours or by bare
// zarrita; or all records of a dataset of it, read one after another or shuffled, in batches or one by one.
import { join } from 'node:path';
import { openArrays, slice } from '@dataref/arrays';
import { FileStorage } from '@dataref/core/fs';
import { ARRAYS, CHUNKS_OF_SLICE, valuesOf } from '../arrays-workloads.mjs';
import { serve } from '../serve.mjs';

const [library, operation, folder, name, path] = process.argv.slice(2);
const { shape, chunk } = ARRAYS[name];
const [length, ...rest] = shape;
const recordBytes = rest.reduce((product, n) => product * n, 1);
const values = valuesOf(name, folder);
const sliced = CHUNKS_OF_SLICE * chunk[0];

const check = (data, start) => {
  const expected = values.subarray(start * recordBytes, start * recordBytes + data.length);
  if (Buffer.compare(data, expected) !== 0) throw new Error(`${library} read other values from ${start} on`);
};

async function ours() {
  const array = await openArrays(new FileStorage(folder)).openArray(path);
  return {
    read: async (start, end) => (await array.get([slice(start, end)])).data,
    write: (start, end, data, sizes) => array.set([slice(start, end)], { dtype: 'uint8', shape: sizes, data }),
  };
}

async function bare() {
  const zarr = await import('zarrita');
  const { default: FileSystemStore } = await import('@zarrita/storage/fs');
  const store = new FileSystemStore(join(folder, 'arrays%', path));
  const array = await zarr.open.v3(store, { kind: 'array' });
  const all = rest.map(() => null);
  const stride = rest.map((_, d) => rest.slice(d + 1).reduce((product, n) => product * n, 1));
  return {
    read: async (start, end) => (await zarr.get(array, [zarr.slice(start, end), ...all])).data,
    write: (start, end, data, sizes) =>
      zarr.set(array, [zarr.slice(start, end), ...all], { data, shape: sizes, stride: [recordBytes, ...stride] }),
  };
}

async function slices(look = (_data, _start) => undefined) {
  for (let start = 0; start < length; start += sliced) {
    const end = Math.min(start + sliced, length);
    if (operation === 'read') look(await array.read(start, end), start);
    else {
      const data = values.subarray(start * recordBytes, end * recordBytes);
      await array.write(start, end, data, [end - start, ...rest]);
    }
  }
}

/** Reads all records; those of the check are told by their number. */
async function records(dataset, [order, size], look) {
  const flow = dataset.stream(order === 'shuffled' ? { shuffle: true, shuffleSeed: 7 } : {});
  let seen = 0;
  if (size === 'batches') {
    for await (const { columns } of flow.batch(32)) {
      const { x, number } = columns;
      if (look !== undefined)
        number.data.forEach((n, row) => look(x.data.subarray(row * recordBytes, (row + 1) * recordBytes), n));
      seen += number.shape[0];
    }
  } else {
    for await (const { x, number } of flow) {
      look?.(x.data, number);
      seen++;
    }
  }
  if (seen !== length) throw new Error(`an epoch had ${seen} records`);
}

let array;
let epoch;
if (operation === 'read' || operation === 'write') {
  array = await (library === 'ours' ? ours() : bare());
  await slices(check);
  if (operation === 'write') {
    const { read } = await ours();
    for (let start = 0; start < length; start += sliced)
      check(await read(start, Math.min(start + sliced, length)), start);
  }
  epoch = () => slices();
} else {
  const dataset = await openArrays(new FileStorage(folder)).openDataset(path);
  const mode = operation.split(' ');
  await records(dataset, mode, check);
  epoch = () => records(dataset, mode);
}
await serve(epoch, { verified: true });
