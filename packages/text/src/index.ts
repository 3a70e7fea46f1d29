export type { FileFormat } from './source/files/file-format.js';
export type { DataFiles, FilePatterns } from './source/files/find-files.js';
export type { SampleBy } from './source/files/text-units.js';
export type { Records, RecordsBySplit } from './source/records/record-source.js';
export type { TokenizerModule, TokenizerOption } from './tokenizer/open-tokenizer.js';
export type { TokenizerTexts } from './tokenizer/json-tokenizer.js';
export type { OpenAiEncoding, Tokenizer } from './tokenizer/tokenizer.js';
