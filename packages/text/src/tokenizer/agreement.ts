import { bertNormalForm, lowerCase, type BertNormalizerConfig } from './bert-normalizer.js';
import { byteLetters } from './byte-letters.js';
import { remembered } from './remembered.js';
import { withWhiteSpace } from './white-space.js';

/** A step of a `tokenizer.json`, and the steps of a sequence. */
export interface Step {
  readonly type?: unknown;
  readonly normalizers?: readonly Step[];
  readonly pretokenizers?: readonly Step[];
  readonly use_regex?: boolean;
  readonly add_prefix_space?: boolean;
}

/** What `@huggingface/tokenizers` made of a step, as far as it is changed here. */
export interface Normalizer {
  normalize(text: string): string;
  readonly normalizers?: readonly (Normalizer | null)[];
}
export interface Model {
  encode(words: readonly string[]): string[];
}
export interface PreTokenizer {
  pre_tokenize_text(text: string): string[];
  pattern?: unknown;
  readonly tokenizers?: readonly (PreTokenizer | null)[];
}

/** Makes a normalizer do what Rust's `tokenizers` does where the two part: lower case, and letters beyond U+FFFF. */
export function makeNormalizerExact(made: Normalizer | null, step: Step | null | undefined): void {
  if (made === null) return;
  if (step?.type === 'BertNormalizer') made.normalize = (text) => bertNormalForm(text, step as BertNormalizerConfig);
  if (step?.type === 'Lowercase') made.normalize = lowerCase;
  made.normalizers?.forEach((part, i) => makeNormalizerExact(part, step?.normalizers?.[i]));
}

/** The same of what cuts texts into words: white space, and words that are not ASCII. */
export function makePreTokenizerExact(made: PreTokenizer | null, step: Step | null | undefined): void {
  if (made === null) return;
  if (step?.type === 'Whitespace') made.pre_tokenize_text = (text) => text.match(WORDS) ?? [];
  if (step?.type === 'WhitespaceSplit') made.pre_tokenize_text = (text) => text.match(/\P{White_Space}+/gu) ?? [];
  if (made.pattern instanceof RegExp) made.pattern = withWhiteSpace(made.pattern);
  if (step?.type === 'ByteLevel') made.pre_tokenize_text = byteLevel(step, made.pattern as RegExp);
  made.tokenizers?.forEach((part, i) => makePreTokenizerExact(part, step?.pretokenizers?.[i]));
}

/** What `ByteLevel` does, word by word. */
function byteLevel(
  { use_regex: isCut = true, add_prefix_space: isSpaced = false }: Step,
  words: RegExp,
): PreTokenizer['pre_tokenize_text'] {
  const letters = remembered(byteLetters);
  return (text) => {
    const spaced = isSpaced && !text.startsWith(' ') ? ` ${text}` : text;
    return isCut ? (spaced.match(words) ?? []).map(letters) : [letters(spaced)];
  };
}

/** Makes a model, to which each word is a task of its own, remember words. */
export function makeModelRemember(made: Model): void {
  const encode = made.encode.bind(made);
  const tokensOf = remembered((word) => encode([word]));
  made.encode = (words) => {
    const tokens: string[] = [];
    for (const word of words) for (const token of tokensOf(word)) tokens.push(token);
    return tokens;
  };
}

/** `\w+|[^\w\s]+` as Rust reads it. */
const WORDS =
  /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu;
