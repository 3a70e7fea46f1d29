// The walkthrough of YogaDL, line for line: a dataset stored once, and streamed in a true, reproducible shuffle.
import { fromRecords } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import '@dataref/tfjs';

// Creating a storage: a folder on the local disk.
const storage = new FileStorage(new URL('../data', import.meta.url));

// Storing a dataset, once: ten records, as "range", version "1.0". From then on it is read, here and in other processes.
const dataref = await storage.cacheable('range', '1.0', () => fromRecords(Array.from({ length: 10 }, (_, i) => i)));

// How to stream it: from the sixth record of the first epoch on, each epoch shuffled as a whole and in its own way.
const stream = dataref.stream({ startOffset: 5, shuffle: true, shuffleSeed: 777 });

// A true tf.data.Dataset: all that tf.data does works on it.
const batches = stream.toTfDataset().repeat(3).batch(5);

const lines: string[] = [];
await batches.forEachAsync((batch) => lines.push(`[${Array.from(batch.dataSync()).join(' ')}]`));
console.log(lines.join(' '));
