import { DataRefError, type DataRef } from '@dataref/core';
import { countOf, oneOf, RowDataset, sha256Text } from '@dataref/core/adapter';
import { TOKEN_DTYPES } from '../npy/header.js';
import { openNpy } from '../npy/npy-array.js';
import { MEMORY_LIMIT_BYTES } from '../npy/shared-memory.js';
import { DocumentRows, type DocumentSchema } from './document-rows.js';
import type { IdDType } from './ids.js';
import { WindowRows, windowCount, type WindowSchema } from './window-rows.js';

export interface TokenFileOptions {
  /** Same tokens, same text. */
  readonly fingerprint: string;
  /**
   * One copy of the tokens in memory for this thread and for all threads that it begins afterwards. Default true; false
   * gives this thread a copy of its own, which is read a little faster.
   */
  readonly useSharedMemory?: boolean | undefined;
  /** What all held files may take together; those beyond it are read by position. Default: a quarter of the machine's memory, at most 2 GiB. */
  readonly memoryLimitBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WindowOptions<D extends IdDType = 'int32'> {
  /** Tokens of a window, from 1. */
  readonly sequenceLength: number;
  /** Tokens from the beginning of one window to that of the next, from 1. Default: `sequenceLength`. */
  readonly stride?: number | undefined;
  /** Default int32. */
  readonly dtype?: D | undefined;
}

/**
 * Windows over a token file as records: `inputs` and `labels`, each `dtype`[sequenceLength], the labels one token further.
 * There are floor((tokens − 1 − sequenceLength) / stride) + 1 of them, which is floor((tokens − 1) / sequenceLength)
 * where the stride is that; tokens after the last whole one are left out.
 * @throws DataRefError INVALID_ARGUMENT; OUT_OF_RANGE where there are too few tokens for one window; NOT_FOUND, CORRUPT,
 *   UNSUPPORTED for the file
 * @see `FastHfDataset` of Archai
 */
export async function windows<D extends IdDType = 'int32'>(
  tokenFile: string,
  options: WindowOptions<D> & TokenFileOptions,
): Promise<DataRef<WindowSchema<D>>> {
  const size = countOf('dataset: sequenceLength', options.sequenceLength, 1);
  const stride = countOf('dataset: stride', options.stride ?? size, 1);
  const dtype: IdDType = oneOf('dataset: dtype', options.dtype ?? 'int32', ['int32', 'int64']);
  const tokens = await openNpy(tokenFile, TOKEN_DTYPES, memoryOf(options));
  if (windowCount(tokens.length, size, stride) === 0)
    throw new DataRefError(
      'OUT_OF_RANGE',
      `${tokens.path}: has ${tokens.length} tokens, and a window of ${size} with its labels needs ${size + 1}; take a shorter sequenceLength`,
      { details: { sequenceLength: size, tokens: tokens.length } },
    );
  const fingerprint = sha256Text(JSON.stringify(['windows', options.fingerprint, size, stride]));
  return new RowDataset(new WindowRows(tokens, size, stride, dtype, fingerprint));
}

/**
 * The documents of a token file as records: `tokens`, int32[number of its tokens], the one that ends it included.
 * @param documentsFile for each document where its tokens end
 * @throws DataRefError NOT_FOUND, UNSUPPORTED, CORRUPT, the last also where the files do not belong together
 */
export async function documents(
  tokenFile: string,
  documentsFile: string,
  options: TokenFileOptions,
): Promise<DataRef<DocumentSchema>> {
  const memory = memoryOf(options);
  const tokens = await openNpy(tokenFile, TOKEN_DTYPES, memory);
  const ends = await openNpy(documentsFile, ['int64'], memory);
  const { data, starts } = await ends.stretches(
    [Math.max(0, ends.length - 1)],
    [Math.min(1, ends.length)],
    memory.signal,
  );
  const last = ends.length === 0 ? 0 : Number(data[starts[0] as number]);
  if (last !== tokens.length)
    throw new DataRefError(
      'CORRUPT',
      `${ends.path}: its documents end at token ${last}, ${tokens.path} has ${tokens.length}`,
    );
  const fingerprint = sha256Text(JSON.stringify(['documents', options.fingerprint]));
  return new RowDataset(new DocumentRows(tokens, ends, fingerprint));
}

function memoryOf({ useSharedMemory = true, memoryLimitBytes = MEMORY_LIMIT_BYTES, signal }: TokenFileOptions) {
  const limit = countOf('memoryLimitBytes', memoryLimitBytes, 0);
  return { useSharedMemory: oneOf('useSharedMemory', useSharedMemory, [true, false]), memoryLimitBytes: limit, signal };
}
