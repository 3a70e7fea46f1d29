import { fileURLToPath } from 'node:url';
import { progressBar, type DataRef } from '@dataref/core';
import { TokenDatasetProvider, type WindowSchema } from '@dataref/text';

export const SEQUENCE_LENGTH = 32;
const BATCH = 16;
const SEED = 1851;

/** Moby-Dick, a paragraph a text, as tokens: encoded by the first call, found by the others. */
export function openTokens(directory: string) {
  return TokenDatasetProvider.fromFiles({
    dataFiles: fileURLToPath(new URL('../text/moby-dick.txt', import.meta.url)),
    tokenizer: { module: new URL('./byte-tokenizer.js', import.meta.url) },
    cache: { directory },
    useSharedMemory: false,
    onProgress: progressBar('encoding'),
  });
}

/** What both runs learn from, in the same order: `steps` batches of windows an epoch, shuffled over the whole book. */
export function trainingBatches(train: DataRef<WindowSchema<'int32'>>, steps: number) {
  return train.stream({ shuffle: true, shuffleSeed: SEED }).batch(BATCH, { remainder: 'drop' }).take(steps);
}
