import type { OpenAiEncoding, Tokenizer } from './tokenizer.js';

interface Encoder {
  encode(
    text: string,
    options: { readonly allowedSpecial: Set<string>; readonly disallowedSpecial: Set<string> },
  ): number[];
  decode(ids: Iterable<number>): string;
}

/** What `tiktoken` calls `n_vocab`, and its `eot_token`. */
interface Encoding {
  readonly vocabSize: number;
  readonly eosId: number;
  readonly load: () => Promise<{ readonly default: Encoder }>;
}

const END_OF_TEXT = new Set(['<|endoftext|>']);
const NONE = new Set<string>();

const ENCODINGS: Readonly<Record<OpenAiEncoding, Encoding>> = {
  r50k_base: { vocabSize: 50_257, eosId: 50_256, load: () => import('gpt-tokenizer/encoding/r50k_base') },
  p50k_base: { vocabSize: 50_281, eosId: 50_256, load: () => import('gpt-tokenizer/encoding/p50k_base') },
  p50k_edit: { vocabSize: 50_284, eosId: 50_256, load: () => import('gpt-tokenizer/encoding/p50k_edit') },
  cl100k_base: { vocabSize: 100_277, eosId: 100_257, load: () => import('gpt-tokenizer/encoding/cl100k_base') },
  o200k_base: { vocabSize: 200_019, eosId: 199_999, load: () => import('gpt-tokenizer/encoding/o200k_base') },
};

/** Names under which models of Hugging Face's hub use GPT-2's vocabulary, with or without their owner. */
const GPT2_NAMES = /^(?:(?:openai-community\/)?gpt2(?:-(?:medium|large|xl))?|(?:distilbert\/)?distilgpt2)$/u;

/** The encoding that a name stands for: an encoding's own, GPT-2's on the hub, or a model of OpenAI; undefined for others. */
export async function openAiEncodingOf(name: string): Promise<OpenAiEncoding | undefined> {
  if (GPT2_NAMES.test(name)) return 'r50k_base';
  if (Object.hasOwn(ENCODINGS, name)) return name as OpenAiEncoding;
  if (!/^(?:gpt|text|davinci|curie|babbage|ada|code|o\d)/u.test(name)) return undefined; // spares loading the list
  const { modelToEncodingMap } = await import('gpt-tokenizer/mapping');
  const encodings: Readonly<Record<string, string>> = modelToEncodingMap;
  const encoding = Object.hasOwn(encodings, name) ? encodings[name] : undefined;
  if (encoding === 'gpt2') return 'r50k_base';
  return encoding !== undefined && Object.hasOwn(ENCODINGS, encoding) ? (encoding as OpenAiEncoding) : undefined;
}

/**
 * One of OpenAI's vocabularies, which `gpt-tokenizer` ships: nothing is downloaded. `<|endoftext|>` within a text becomes
 * its id, as in Hugging Face's GPT-2; other special tokens are the characters that they are.
 */
export async function openOpenAi(encoding: OpenAiEncoding): Promise<Tokenizer> {
  const { vocabSize, eosId, load } = ENCODINGS[encoding];
  const { default: encoder } = await load();
  const special = { allowedSpecial: END_OF_TEXT, disallowedSpecial: NONE };
  return {
    vocabSize,
    eosId,
    encode(text, pair) {
      const ids = encoder.encode(text, special);
      return pair === undefined ? ids : ids.concat(encoder.encode(pair, special));
    },
    decode: (ids) => encoder.decode(Array.from(ids)),
  };
}
