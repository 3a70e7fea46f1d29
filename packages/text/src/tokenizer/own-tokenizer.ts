import { describeValue, sha256Text } from '@dataref/core/adapter';
import { DataRefError } from '@dataref/core';
import { SAMPLE_TEXTS } from './sample-texts.js';
import type { Tokenizer } from './tokenizer.js';

/** @throws DataRefError INVALID_ARGUMENT for what is no tokenizer, naming what it lacks */
export function checkTokenizer(where: string, value: unknown): Tokenizer {
  const { encode, decode, vocabSize, eosId, fingerprint } = Object(value) as Partial<Record<keyof Tokenizer, unknown>>;
  const wrong = (what: string) => new DataRefError('INVALID_ARGUMENT', `${where}: ${what}`);
  if (typeof encode !== 'function')
    throw wrong(`a tokenizer is an object {encode, vocabSize, eosId}, got ${describeValue(value)} without encode`);
  if (decode !== undefined && typeof decode !== 'function')
    throw wrong(`decode must be a function, got ${describeValue(decode)}`);
  if (!isWhole(vocabSize, 1, 2 ** 31))
    throw wrong(`vocabSize must be an integer from 1 to 2^31, got ${describeValue(vocabSize)}`);
  if (eosId !== undefined && !isWhole(eosId, 0, vocabSize - 1))
    throw wrong(`eosId must be an integer from 0 to vocabSize - 1 = ${vocabSize - 1}, got ${describeValue(eosId)}`);
  if (fingerprint !== undefined && typeof fingerprint !== 'string')
    throw wrong(`fingerprint must be a string, got ${describeValue(fingerprint)}`);
  return value as Tokenizer;
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

/** A fingerprint of a tokenizer that has none: what it makes of sample texts in many scripts. */
export function sampledFingerprint(tokenizer: Tokenizer): string {
  const lines = SAMPLE_TEXTS.map((text) => idsOf(tokenizer, text));
  return sha256Text(['sampled', tokenizer.vocabSize, tokenizer.eosId ?? 'none', ...lines].join('\n'));
}

/** A tokenizer may know few characters: what it refuses tells it from others too. */
function idsOf(tokenizer: Tokenizer, text: string): string {
  try {
    return Array.from(tokenizer.encode(text)).join(' ');
  } catch {
    return 'refused';
  }
}
