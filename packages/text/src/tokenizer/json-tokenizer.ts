import { DataRefError } from '@dataref/core';
import { makeModelRemember, makeNormalizerExact, makePreTokenizerExact, type Step } from './agreement.js';
import { endOfText, type AddedToken } from './end-of-text.js';
import { makeTokenizer, type HuggingFaceTokenizer } from './hugging-face.js';
import type { Tokenizer } from './tokenizer.js';

/** The texts of a tokenizer of Hugging Face: its `tokenizer.json` and, where there is one, its `tokenizer_config.json`. */
export interface TokenizerTexts {
  readonly tokenizer: string;
  readonly config?: string | undefined;
}

/**
 * A tokenizer of a `tokenizer.json`. It cuts and pads nothing, whatever the file says, as Archai asks transformers for.
 * @param name of the file or repository, for messages
 * @throws DataRefError CORRUPT for what is no `tokenizer.json`; UNSUPPORTED for a kind that `@huggingface/tokenizers` has not
 */
export function openTokenizerJson(name: string, texts: TokenizerTexts): Tokenizer {
  const json = objectOf(`${name}: tokenizer.json`, texts.tokenizer);
  const config = texts.config === undefined ? undefined : objectOf(`${name}: tokenizer_config.json`, texts.config);
  if (typeof json['model'] !== 'object' || json['model'] === null)
    throw new DataRefError('CORRUPT', `${name}: is no tokenizer.json, it has no "model"`);
  let made: HuggingFaceTokenizer;
  try {
    made = makeTokenizer(json, config ?? {});
  } catch (cause) {
    const problem = (cause as Error | undefined)?.message;
    throw new DataRefError(
      'UNSUPPORTED',
      `${name}: @huggingface/tokenizers cannot make a tokenizer of it: ${problem}. Give an object {encode, vocabSize, eosId} of your own`,
      { cause },
    );
  }
  makeNormalizerExact(made.normalizer, json['normalizer'] as Step | null | undefined);
  makePreTokenizerExact(made.pre_tokenizer, json['pre_tokenizer'] as Step | null | undefined);
  makeModelRemember(made.model);
  return tokenizerOf(made, endOfText(config, addedTokensOf(json)));
}

function tokenizerOf(made: HuggingFaceTokenizer, endToken: string | undefined): Tokenizer {
  let largest = -1;
  for (const id of made.get_vocab(true).values()) largest = Math.max(largest, id);
  return {
    vocabSize: largest + 1,
    eosId: endToken === undefined ? undefined : made.token_to_id(endToken),
    encode: (text, pair) => (pair === undefined ? made.encode(text).ids : pairIds(made, text, pair)),
    decode: (ids) => made.decode(Array.from(ids)),
  };
}

/** Ids of a pair, put together as the post-processor says: the library itself leaves out a second text that is empty. */
function pairIds(made: HuggingFaceTokenizer, text: string, pair: string): number[] {
  const [first, second] = [made.tokenize(text), made.tokenize(pair)];
  const { tokens, tokens_pair: rest = [] } = made.post_processor?.post_process(first, second, true) ?? {
    tokens: first,
    tokens_pair: second,
  };
  return [...tokens, ...rest].map((token) => made.token_to_id(token) ?? (made.model.unk_token_id as number));
}

function addedTokensOf(json: Readonly<Record<string, unknown>>): readonly AddedToken[] {
  const tokens = json['added_tokens'];
  return Array.isArray(tokens) ? (tokens as readonly AddedToken[]) : [];
}

function objectOf(where: string, text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw new DataRefError('CORRUPT', `${where} is no JSON: ${(cause as Error).message}`, { cause });
  }
  throw new DataRefError('CORRUPT', `${where} holds no JSON object`);
}
