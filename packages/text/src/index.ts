export { causalCollator, type CausalCollatorOptions } from './collate/causal-collator.js';
export { documentMask } from './collate/document-mask.js';
export type { Documents } from './collate/document-stream.js';
export { IGNORED_LABEL } from './collate/labels.js';
export { maskTokens, type MaskedSchema, type MaskOptions } from './collate/mask-tokens.js';
export { pack, type PackedSchema, type TokenPackOptions } from './collate/pack.js';
export { pad, type PadOptions } from './collate/pad.js';
export type { CacheConfig } from './cache/config.js';
export type { CacheSettings } from './cache/settings.js';
export type { SplitFiles } from './cache/split-files.js';
export type { TokenDType } from './npy/header.js';
export type { EncodeOptions, MemoryOptions } from './provider/options.js';
export {
  TokenDatasetProvider,
  type FromCacheOptions,
  type FromFilesOptions,
  type FromHubOptions,
  type FromRecordsOptions,
} from './provider/provider.js';
export type { TokenDataset } from './provider/token-dataset.js';
export type { FileFormat } from './source/files/file-format.js';
export type { DataFiles, FilePatterns } from './source/files/find-files.js';
export type { SampleBy } from './source/files/text-units.js';
export type { Records, RecordsBySplit } from './source/records/record-source.js';
export type { SplitName, SplitSettings } from './splits/split-plan.js';
export type { TokenizerTexts } from './tokenizer/json-tokenizer.js';
export type { TokenizerModule, TokenizerOption } from './tokenizer/open-tokenizer.js';
export type { OpenAiEncoding, Tokenizer } from './tokenizer/tokenizer.js';
export type { DocumentSchema } from './windows/document-rows.js';
export type { IdDType } from './windows/ids.js';
export type { WindowOptions } from './windows/token-files.js';
export type { WindowSchema } from './windows/window-rows.js';
