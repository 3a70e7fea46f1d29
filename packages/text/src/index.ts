export type { TokenizerModule, TokenizerOption } from './tokenizer/open-tokenizer.js';
export type { TokenizerTexts } from './tokenizer/json-tokenizer.js';
export type { OpenAiEncoding, Tokenizer } from './tokenizer/tokenizer.js';
