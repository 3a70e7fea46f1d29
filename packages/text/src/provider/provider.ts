import { ioOptionsOf, refuseUnknown } from '@dataref/core/adapter';
import { buildCache } from '../cache/build-cache.js';
import { findCache } from '../cache/cache-folder.js';
import type { TextSource } from '../source/text-source.js';
import { openTokenizer, type TokenizerHub } from '../tokenizer/open-tokenizer.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { checkMemory, directoryOf, type CheckedOptions, type MemoryOptions } from './options.js';
import { TokenDataset } from './token-dataset.js';

/** The dataset of a source, encoded unless there is a cache of it. */
export async function encoded(
  { tokenizer: option, settings, workers, directory, memory, signal, onProgress }: CheckedOptions,
  openSource: () => Promise<TextSource>,
  hub?: TokenizerHub,
): Promise<TokenDataset> {
  signal?.throwIfAborted();
  const tokenizer = await openTokenizer(option, hub);
  const source = await openSource();
  try {
    const cache = await buildCache({ directory, source, tokenizer, settings, workers, signal, onProgress });
    return new TokenDataset(cache, memory, tokenizer.tokenizer);
  } finally {
    await source.close?.();
  }
}

/**
 * A cache that was made before, with no need of the text it was made of.
 * @param directory the cache's own folder, or one that holds a single cache
 * @param options `tokenizer` is what `tokenizer()` gives, where it was an object of one's own
 * @throws DataRefError NOT_FOUND where there is none; INVALID_ARGUMENT where there are several; CORRUPT, UNSUPPORTED
 */
export async function fromCache(directory: string | URL, options: FromCacheOptions = {}): Promise<TokenDataset> {
  const { tokenizer, useSharedMemory, memoryLimitBytes, signal, ...unknown } = ioOptionsOf('fromCache', options);
  refuseUnknown('fromCache', unknown, ['tokenizer', 'useSharedMemory', 'memoryLimitBytes', 'signal']);
  const memory = checkMemory('fromCache', { useSharedMemory, memoryLimitBytes });
  const cache = await findCache(directoryOf('fromCache', directory), signal);
  return new TokenDataset(cache, memory, tokenizer);
}

export interface FromCacheOptions extends MemoryOptions {
  readonly tokenizer?: Tokenizer | undefined;
  readonly signal?: AbortSignal | undefined;
}
