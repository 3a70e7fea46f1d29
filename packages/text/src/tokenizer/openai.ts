import { BytePairs } from './byte-pairs.js';
import type { OpenAiEncoding, Tokenizer } from './tokenizer.js';
import { withWhiteSpace } from './white-space.js';

type Tokens = readonly (string | readonly number[] | undefined)[];
type Splits = 'R50K_TOKEN_SPLIT_REGEX' | 'CL100K_TOKEN_SPLIT_REGEX' | 'O200K_TOKEN_SPLIT_REGEX';

/** What `tiktoken` calls `n_vocab`, and its `eot_token`. */
interface Encoding {
  readonly vocabSize: number;
  readonly eosId: number;
  readonly split: Splits;
  readonly load: () => Promise<{ readonly default: Tokens }>;
}

const END_OF_TEXT = '<|endoftext|>';

const ENCODINGS: Readonly<Record<OpenAiEncoding, Encoding>> = {
  r50k_base: {
    vocabSize: 50_257,
    eosId: 50_256,
    split: 'R50K_TOKEN_SPLIT_REGEX',
    load: () => import('gpt-tokenizer/bpeRanks/r50k_base'),
  },
  p50k_base: {
    vocabSize: 50_281,
    eosId: 50_256,
    split: 'R50K_TOKEN_SPLIT_REGEX',
    load: () => import('gpt-tokenizer/bpeRanks/p50k_base'),
  },
  p50k_edit: {
    vocabSize: 50_284,
    eosId: 50_256,
    split: 'R50K_TOKEN_SPLIT_REGEX',
    load: () => import('gpt-tokenizer/bpeRanks/p50k_base'),
  },
  cl100k_base: {
    vocabSize: 100_277,
    eosId: 100_257,
    split: 'CL100K_TOKEN_SPLIT_REGEX',
    load: () => import('gpt-tokenizer/bpeRanks/cl100k_base'),
  },
  o200k_base: {
    vocabSize: 200_019,
    eosId: 199_999,
    split: 'O200K_TOKEN_SPLIT_REGEX',
    load: () => import('gpt-tokenizer/bpeRanks/o200k_base'),
  },
};

/** Names under which models of Hugging Face's hub use GPT-2's vocabulary, with or without their owner. */
const GPT2_NAMES = /^(?:(?:openai-community\/)?gpt2(?:-(?:medium|large|xl))?|(?:distilbert\/)?distilgpt2)$/u;

/** The encoding that a name stands for: an encoding's own, GPT-2's on the hub, or a model of OpenAI; undefined for others. */
export async function openAiEncodingOf(name: string): Promise<OpenAiEncoding | undefined> {
  if (GPT2_NAMES.test(name)) return 'r50k_base';
  if (isOpenAiEncoding(name)) return name;
  if (!/^(?:gpt|text|davinci|curie|babbage|ada|code|o\d)/u.test(name)) return undefined; // spares loading the list
  const { modelToEncodingMap } = await import('gpt-tokenizer/mapping');
  const encodings: Readonly<Record<string, string>> = modelToEncodingMap;
  const encoding = Object.hasOwn(encodings, name) ? encodings[name] : undefined;
  if (encoding === 'gpt2') return 'r50k_base';
  return isOpenAiEncoding(encoding) ? encoding : undefined;
}

export function isOpenAiEncoding(name: unknown): name is OpenAiEncoding {
  return typeof name === 'string' && Object.hasOwn(ENCODINGS, name);
}

/**
 * One of OpenAI's vocabularies, which `gpt-tokenizer` ships: nothing is downloaded. `<|endoftext|>` within a text becomes
 * its id, as in Hugging Face's GPT-2; other special tokens are the characters that they are.
 */
export async function openOpenAi(encoding: OpenAiEncoding): Promise<Tokenizer> {
  const { vocabSize, eosId, split, load } = ENCODINGS[encoding];
  const [{ default: tokens }, { [split]: pattern }] = await Promise.all([
    load(),
    import('gpt-tokenizer/encodingParams/constants'),
  ]);
  const pairs = new BytePairs(tokens);
  const words = withWhiteSpace(pattern);
  const append = (text: string, ids: number[]): number[] => {
    for (const [i, part] of text.split(END_OF_TEXT).entries()) {
      if (i > 0) ids.push(eosId);
      for (const word of part.match(words) ?? []) pairs.encode(word, ids);
    }
    return ids;
  };
  return {
    vocabSize,
    eosId,
    encode: (text, pair) => append(pair ?? '', append(text, [])),
    decode: (ids) => decoded(ids, tokens, eosId),
  };
}

function decoded(ids: ArrayLike<number>, tokens: Tokens, eosId: number): string {
  const parts = Array.from(ids, (id) => (id === eosId ? END_OF_TEXT : (tokens[id] ?? '')));
  return Buffer.concat(parts.map((part) => Buffer.from(part as string))).toString();
}
