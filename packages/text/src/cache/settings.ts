import { DataRefError } from '@dataref/core';
import { sha256Text } from '@dataref/core/adapter';
import type { TokenDType } from '../npy/header.js';
import type { TextSource } from '../source/text-source.js';
import type { SplitSettings } from '../splits/split-plan.js';
import type { OpenedTokenizer } from '../tokenizer/tokenizer.js';

/** All that makes one cache another than the next, beside the data and the tokenizer. */
export interface CacheSettings extends SplitSettings {
  /** Columns that are encoded, in this order. */
  readonly mappingColumnName: readonly string[];
  readonly useEosToken: boolean;
}

/** A vocabulary of so many ids fits uint16 but for its last value, as Archai has it. */
const UINT16_VOCABULARY = 65_536;
const LARGEST_VOCABULARY = 2 ** 31;

/** @throws DataRefError UNSUPPORTED where no dtype of token files has room for all ids */
export function tokenDTypeOf(vocabSize: number): TokenDType {
  if (!Number.isSafeInteger(vocabSize) || vocabSize < 1)
    throw new DataRefError('INVALID_ARGUMENT', `the tokenizer's vocabSize must be an integer ≥ 1, got ${vocabSize}`);
  if (vocabSize <= LARGEST_VOCABULARY) return vocabSize < UINT16_VOCABULARY ? 'uint16' : 'int32';
  throw new DataRefError(
    'UNSUPPORTED',
    `the tokenizer has ${vocabSize} ids, and the widest dtype of token files, int32, has room for ${LARGEST_VOCABULARY}`,
  );
}

/** @throws DataRefError INVALID_ARGUMENT where an EOS is asked for, and the tokenizer has none */
export function eosIdOf({ tokenizer, recipe }: OpenedTokenizer, useEosToken: boolean): number | undefined {
  if (!useEosToken) return undefined;
  const { eosId, vocabSize } = tokenizer;
  const name = recipe === undefined ? 'the tokenizer' : `the tokenizer ${recipe.name}`;
  if (eosId === undefined)
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `${name} has no EOS token, which is to be put after each text: give one that has (its tokenizer_config.json names it as eos_token; an object of yours has eosId), or useEosToken: false`,
    );
  if (!Number.isSafeInteger(eosId) || eosId < 0 || eosId >= vocabSize)
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `${name} has the eosId ${eosId}, expected one below its vocabSize, ${vocabSize}`,
    );
  return eosId;
}

/** Names a cache: `sha256:` and 64 hexadecimal digits, another one with every setting, other data and another tokenizer. */
export function cacheFingerprint(
  source: TextSource,
  { fingerprint }: OpenedTokenizer,
  settings: CacheSettings,
): string {
  const { mappingColumnName, validationSplit, splitShuffle, splitSeed, useEosToken } = settings;
  return sha256Text(
    JSON.stringify([
      'dataref-tokens-1',
      source.fingerprint,
      fingerprint,
      mappingColumnName,
      validationSplit,
      splitShuffle,
      splitSeed,
      useEosToken,
    ]),
  );
}
