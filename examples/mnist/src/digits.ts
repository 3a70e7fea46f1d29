import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { field, fromRecords, ndarray, progressBar, type DataRef } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';

export const BATCH = 32;
export const SEED = 777;

const require = createRequire(import.meta.url);

/** The 10,000 real digits of the package `mnist`, one by one: 0..1 floats there, uint8 pixels here. */
async function* digits() {
  for (let label = 0; label < 10; label++) {
    const { data } = JSON.parse(await readFile(require.resolve(`mnist/src/digits/${label}.json`), 'utf8')) as {
      data: number[];
    };
    for (let start = 0; start + 784 <= data.length; start += 784) {
      const pixels = Uint8Array.from(data.slice(start, start + 784), (value) => Math.round(value * 255));
      yield { image: ndarray(pixels, [28, 28]), label };
    }
  }
}

const schema = { image: field('uint8', [28, 28]), label: field('uint8') };

/** The stored digits, made once: 9,000 to train on and 1,000 held out, at random and always the same. */
export async function openDigits(directory: string) {
  const storage = new FileStorage(directory);
  const build = () => fromRecords(digits(), { schema });
  const stored = await storage.cacheable('mnist', '1.0', build, { onProgress: progressBar('mnist') });
  return { stored, ...stored.split({ train: 0.9, test: 0.1 }, { seed: 42 }) };
}

/** What both examples learn from, in the same order: a state of one goes on in the other. */
export function trainingBatches(train: DataRef, startOffset = 0) {
  return train.stream({ shuffle: true, shuffleSeed: SEED, startOffset }).batch(BATCH);
}
