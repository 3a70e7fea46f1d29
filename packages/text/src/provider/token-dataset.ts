import { DataRefError, type DataRef, type IoOptions } from '@dataref/core';
import { ioOptionsOf, oneOf, refuseUnknown } from '@dataref/core/adapter';
import { documentsFile, tokenFile, type OpenCache } from '../cache/cache-folder.js';
import type { CacheConfig } from '../cache/config.js';
import { readRecipe } from '../cache/tokenizer-file.js';
import { SPLITS, type SplitName } from '../splits/split-plan.js';
import { openRecipe } from '../tokenizer/open-recipe.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { documents, windows, type WindowOptions } from '../windows/token-files.js';
import type { DocumentSchema } from '../windows/document-rows.js';
import type { IdDType } from '../windows/ids.js';
import type { WindowSchema } from '../windows/window-rows.js';
import type { MemoryOptions } from './options.js';

/** Text that was encoded: the tokens of train, validation and test, from which datasets of any sequence length are made. */
export class TokenDataset {
  /** The cache's folder, an absolute path. `train.npy` in it, and so on, are arrays that numpy opens. */
  readonly directory: string;
  /** What the cache holds, and what it was made with. */
  readonly config: CacheConfig;
  readonly #memory: MemoryOptions;
  #tokenizer: Promise<Tokenizer> | undefined;

  /** Made by `TokenDatasetProvider`. */
  constructor({ path, config }: OpenCache, memory: MemoryOptions, tokenizer: Tokenizer | undefined) {
    this.directory = path;
    this.config = config;
    this.#memory = memory;
    this.#tokenizer = tokenizer && Promise.resolve(tokenizer);
  }

  /**
   * Windows over the tokens of a split, for any sequence length without encoding again.
   * @param options `sequenceLength` and `stride`, by default the same, in tokens; `dtype` 'int32' (default) or 'int64'
   * @returns records `{ inputs, labels }`, each `dtype`[sequenceLength], the labels one token further than the inputs:
   *   floor((tokens − 1) / sequenceLength) of them where the stride is the sequence length
   * @throws DataRefError INVALID_ARGUMENT; OUT_OF_RANGE where the split has too few tokens for one; CORRUPT, STORE_FAILED
   */
  async dataset<D extends IdDType = 'int32'>(
    split: SplitName,
    options: WindowOptions<D> & IoOptions,
  ): Promise<DataRef<WindowSchema<D>>> {
    const { sequenceLength, stride, dtype, signal, ...unknown } = ioOptionsOf('dataset', options);
    refuseUnknown('dataset', unknown, ['sequenceLength', 'stride', 'dtype', 'signal']);
    const file = tokenFile(this.directory, this.#checked('dataset', split));
    return windows(file, { sequenceLength, stride, dtype, ...this.#fileOptions(split, signal) });
  }

  /**
   * The documents of a split: the rows of the text that are not empty.
   * @returns records `{ tokens }`, int32 of any length, the EOS included
   * @throws DataRefError INVALID_ARGUMENT; CORRUPT, STORE_FAILED
   */
  async documents(split: SplitName, options: IoOptions = {}): Promise<DataRef<DocumentSchema>> {
    const { signal, ...unknown } = ioOptionsOf('documents', options);
    refuseUnknown('documents', unknown, ['signal']);
    const name = this.#checked('documents', split);
    const files = [tokenFile(this.directory, name), documentsFile(this.directory, name)] as const;
    return documents(...files, this.#fileOptions(name, signal));
  }

  #checked(what: string, split: SplitName): SplitName {
    return oneOf(`${what}: the split`, split, SPLITS);
  }

  #fileOptions(split: SplitName, signal: AbortSignal | undefined) {
    return { ...this.#memory, fingerprint: `${this.config.fingerprint} ${split}`, signal };
  }

  /**
   * The tokenizer that encoded, opened again where the cache came from `fromCache`.
   * @throws DataRefError UNSUPPORTED where it was an object or a module of one's own, which `fromCache` was not given: the
   *   files of a cache run no code; CORRUPT
   */
  tokenizer(): Promise<Tokenizer> {
    return (this.#tokenizer ??= this.#openTokenizer());
  }

  async #openTokenizer(): Promise<Tokenizer> {
    const recipe = await readRecipe(this.directory, this.config.tokenizer.name, undefined);
    if (recipe !== undefined) return openRecipe(recipe);
    throw new DataRefError(
      'UNSUPPORTED',
      `${this.directory}: the tokenizer, ${this.config.tokenizer.name}, was an object or a module of a program, which is not opened from a folder; give it: fromCache(directory, { tokenizer })`,
    );
  }
}
