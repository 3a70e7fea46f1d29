/** An entry of `added_tokens` in a `tokenizer.json`, as far as it matters here. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special?: boolean;
}

/** End tokens of well-known tokenizers, for those whose `tokenizer_config.json` leaves them to a class of transformers. */
const KNOWN = ['<|endoftext|>', '</s>', '<|end_of_text|>', '<eos>', '[EOS]', '<|im_end|>', '<|eot_id|>'];

/**
 * The token that ends a text: `eos_token` of the `tokenizer_config.json` (null there: none), else the first well-known one
 * among the special added tokens. BERT's kind has none, as in transformers.
 */
export function endOfText(
  config: Readonly<Record<string, unknown>> | undefined,
  addedTokens: readonly AddedToken[],
): string | undefined {
  const named = config?.['eos_token'];
  if (named !== undefined) return contentOf(named);
  return KNOWN.find((name) => addedTokens.some(({ content, special }) => special === true && content === name));
}

/** A token is written as its text, or as an object with its text. */
function contentOf(token: unknown): string | undefined {
  if (typeof token === 'string') return token;
  const { content } = Object(token) as { readonly content?: unknown };
  return typeof content === 'string' ? content : undefined;
}
