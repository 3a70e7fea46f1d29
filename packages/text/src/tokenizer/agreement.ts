import { bertNormalForm, lowerCase, type BertNormalizerConfig } from './bert-normalizer.js';
import { withWhiteSpace } from './white-space.js';

/** A step of a `tokenizer.json`, and the steps of a sequence. */
export interface Step {
  readonly type?: unknown;
  readonly normalizers?: readonly Step[];
  readonly pretokenizers?: readonly Step[];
}

/** What `@huggingface/tokenizers` made of a step, as far as it is changed here. */
export interface Normalizer {
  normalize(text: string): string;
  readonly normalizers?: readonly (Normalizer | null)[];
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
  made.tokenizers?.forEach((part, i) => makePreTokenizerExact(part, step?.pretokenizers?.[i]));
}

/** `\w+|[^\w\s]+` as Rust reads it. */
const WORDS =
  /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu;
