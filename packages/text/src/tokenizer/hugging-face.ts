import * as library from '@huggingface/tokenizers';
import type { Model, Normalizer, PreTokenizer } from './agreement.js';

/** A tokenizer of `@huggingface/tokenizers`, whose own declarations name files that module resolution does not find. */
export interface HuggingFaceTokenizer {
  readonly normalizer: Normalizer | null;
  readonly pre_tokenizer: PreTokenizer | null;
  readonly model: Model & { readonly unk_token_id?: number };
  readonly post_processor: {
    post_process(
      tokens: readonly string[],
      pair: readonly string[],
      addSpecialTokens: boolean,
    ): { readonly tokens: readonly string[]; readonly tokens_pair?: readonly string[] };
  } | null;
  encode(text: string): { readonly ids: number[] };
  tokenize(text: string): string[];
  decode(ids: readonly number[]): string;
  token_to_id(token: string): number | undefined;
  get_vocab(withAddedTokens: boolean): Map<string, number>;
}

/** @throws Error for what it does not know */
export function makeTokenizer(json: object, config: object): HuggingFaceTokenizer {
  const { Tokenizer } = library as unknown as { Tokenizer: new (json: object, config: object) => HuggingFaceTokenizer };
  return new Tokenizer(json, config);
}
