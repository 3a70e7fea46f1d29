import { field } from '@dataref/core';
import { ObjectStorage, type ObjectStore } from '@dataref/core/store';
import { storeParts } from '../../packages/core/test/storage/stored.js';

const SCHEMA = { label: field('float64'), image: field('uint8', [144]), text: field('string') };
const PARTS = [11, 20, 5, 12];

export const records: { label: number; image: Uint8Array; text: string }[] = Array.from({ length: 48 }, (_, i) => ({
  label: i * 17,
  image: Uint8Array.from({ length: 144 }, (__, at) => (i * 7 + at * 3) & 255),
  text: `record ${i}`.repeat(i % 9),
}));

/** Stores the records as a@1, in several parts. */
export async function storeDataset(store: ObjectStore): Promise<void> {
  await storeParts(store, SCHEMA, records as never[], PARTS);
}

/** Reads an epoch of a@1, shuffled. @throws Error where a record is not there once, or not right */
export async function readEpoch(store: ObjectStore, memoryLimitBytes: number, random: () => number): Promise<void> {
  const dataset = await new ObjectStorage(store, { memoryLimitBytes }).fetch('a', '1', { schema: SCHEMA });
  const seen = new Set<number>();
  const pipeline = dataset.stream({ shuffle: true, shuffleSeed: Math.floor(random() * 1000) });
  for await (const { columns, indices } of pipeline.batch(4 + Math.floor(random() * 20)).prefetch()) {
    for (const [i, index] of Array.from(indices).entries()) {
      if (seen.has(index)) throw new Error(`record ${index} came twice`);
      seen.add(index);
      const { label, image, text } = records[index] as (typeof records)[0];
      const got = columns.image.data.subarray(i * 144, (i + 1) * 144);
      if (columns.label.data[i] !== label || Buffer.compare(got, image) !== 0 || columns.text[i] !== text)
        throw new Error(`record ${index} is wrong`);
    }
  }
  if (seen.size !== records.length) throw new Error(`${seen.size} records of ${records.length}`);
}
