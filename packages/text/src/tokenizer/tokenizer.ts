/** What encodes text. A user's own is an object of this shape. */
export interface Tokenizer {
  /** Ids of a text, without special tokens unless the tokenizer's own post-processor adds them; of a pair where a second text is given. */
  encode(text: string, pair?: string): ArrayLike<number>;
  /** Text of ids, where the tokenizer can give it. */
  decode?(ids: ArrayLike<number>): string;
  /** Number of ids, those of added tokens included: every id is below it. */
  readonly vocabSize: number;
  /** The id that ends a document, if there is one. */
  readonly eosId?: number | undefined;
  /** Same ids for the same text, same string; where a user's own has none, the ids of a sample text stand for it. */
  readonly fingerprint?: string | undefined;
}

/**
 * What makes the same tokenizer again, in a worker thread or in another year: plain data, part of the fingerprint.
 * `json` holds the texts of a `tokenizer.json` and, where there is one, its `tokenizer_config.json`; `openai` names an
 * encoding that `gpt-tokenizer` ships; `module` names a module of the user's whose default export is a tokenizer, or
 * makes one, and `revision` tells its state (its content's hash unless the user gives another).
 */
export type TokenizerRecipe =
  | { readonly kind: 'json'; readonly name: string; readonly tokenizer: string; readonly config?: string | undefined }
  | { readonly kind: 'openai'; readonly name: string; readonly encoding: OpenAiEncoding }
  | { readonly kind: 'module'; readonly name: string; readonly url: string; readonly revision: string };

export type OpenAiEncoding = 'r50k_base' | 'p50k_base' | 'p50k_edit' | 'cl100k_base' | 'o200k_base';

/** A tokenizer that is open, and how to open it elsewhere: without a recipe it encodes on the calling thread alone. */
export interface OpenedTokenizer {
  readonly tokenizer: Tokenizer;
  readonly recipe: TokenizerRecipe | undefined;
  /** Same ids for the same text, same string: part of a cache's fingerprint. */
  readonly fingerprint: string;
}
