import { DataRefError } from '@dataref/core';
import { oneOf } from '@dataref/core/adapter';
import type { OpenCache } from '../cache/cache-folder.js';
import type { CacheConfig } from '../cache/config.js';
import { readRecipe } from '../cache/tokenizer-file.js';
import { SPLITS, type SplitName } from '../splits/split-plan.js';
import { openRecipe } from '../tokenizer/open-recipe.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { MemoryOptions } from './options.js';

/** Text that was encoded: the tokens of train, validation and test, from which datasets of any sequence length are made. */
export class TokenDataset {
  /** The cache's folder, an absolute path. `train.npy` in it, and so on, are arrays that numpy opens. */
  readonly directory: string;
  /** What the cache holds, and what it was made with. */
  readonly config: CacheConfig;
  readonly memory: MemoryOptions;
  #tokenizer: Promise<Tokenizer> | undefined;

  /** Made by `TokenDatasetProvider`. */
  constructor({ path, config }: OpenCache, memory: MemoryOptions, tokenizer: Tokenizer | undefined) {
    this.directory = path;
    this.config = config;
    this.memory = memory;
    this.#tokenizer = tokenizer && Promise.resolve(tokenizer);
  }

  /**
   * The tokenizer that encoded, opened again where the cache came from `fromCache`.
   * @throws DataRefError UNSUPPORTED where it was an object of one's own, which `fromCache` was not given; CORRUPT
   */
  tokenizer(): Promise<Tokenizer> {
    return (this.#tokenizer ??= this.#openTokenizer());
  }

  async #openTokenizer(): Promise<Tokenizer> {
    const recipe = await readRecipe(this.directory, this.config.tokenizer.name, undefined);
    if (recipe !== undefined) return openRecipe(recipe);
    throw new DataRefError(
      'UNSUPPORTED',
      `${this.directory}: the tokenizer was an object, which no file holds; give it: fromCache(directory, { tokenizer })`,
    );
  }
}

export function checkSplit(what: string, split: SplitName): SplitName {
  return oneOf(`${what}: the split`, split, SPLITS);
}
