export type { OpenAiEncoding, Tokenizer } from './tokenizer/tokenizer.js';
