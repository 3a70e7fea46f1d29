import { DataRefError } from '@dataref/core';
import { describeValue, seal, unseal } from '@dataref/core/adapter';
import { TOKEN_DTYPES, type TokenDType } from '../npy/header.js';
import { SPLITS, type SplitName } from '../splits/split-plan.js';
import type { CacheSettings } from './settings.js';
import type { SplitFiles } from './split-files.js';

const FORMAT = 'dataref-tokens';
const FORMAT_VERSION = 1;
export const CONFIG_FILE = 'config.json';
export const CONFIG_LIMIT_BYTES = 2 ** 20;

/** What `config.json` says of a cache: see docs/text.md. */
export interface CacheConfig {
  /** `sha256:` and 64 hexadecimal digits. */
  readonly fingerprint: string;
  readonly dtype: TokenDType;
  readonly tokenizer: {
    readonly name: string;
    readonly fingerprint: string;
    readonly vocabSize: number;
    /** The id that ends a document; null where the tokenizer has none. */
    readonly eosId: number | null;
  };
  readonly settings: CacheSettings;
  /** Where the data came from. */
  readonly origin: Readonly<Record<string, unknown>>;
  readonly splits: Readonly<Record<SplitName, SplitFiles>>;
}

/** The file's bytes: the same for the same config. */
export function encodeConfig(config: CacheConfig): Uint8Array {
  const text = JSON.stringify({ format: FORMAT, formatVersion: FORMAT_VERSION, ...config }, undefined, 2);
  return seal(text.slice(0, text.lastIndexOf('\n}')));
}

/** @throws DataRefError CORRUPT for what is none, or was changed; UNSUPPORTED for one of a later version */
export function parseConfig(bytes: Uint8Array, where: string): CacheConfig {
  const refuse = (problem: string): never => {
    throw new DataRefError('CORRUPT', `${where}: ${problem}; remove the folder, and encode again`);
  };
  const value = unseal(bytes, FORMAT, `is no config of a token cache (its format is not ${FORMAT})`, refuse);
  if (value['formatVersion'] !== FORMAT_VERSION)
    throw new DataRefError(
      'UNSUPPORTED',
      `${where}: is of version ${describeValue(value['formatVersion'])} of the format, this release reads ${FORMAT_VERSION}`,
    );
  const { format: _format, formatVersion: _version, crc32: _crc32, ...config } = value;
  return isConfig(config) ? config : refuse('lacks what a config of a token cache has');
}

/** Whether a config that somebody else sealed has what is read of it here. */
function isConfig(value: object): value is CacheConfig {
  const { fingerprint, dtype, tokenizer, settings, origin, splits } = value as Partial<Record<string, unknown>>;
  const isCount = (count: unknown) => Number.isSafeInteger(count) && (count as number) >= 0;
  const { name, vocabSize } = Object(tokenizer) as Partial<CacheConfig['tokenizer']>;
  return (
    typeof fingerprint === 'string' &&
    (TOKEN_DTYPES as readonly unknown[]).includes(dtype) &&
    typeof name === 'string' &&
    isCount(vocabSize) &&
    Array.isArray((Object(settings) as Partial<CacheSettings>).mappingColumnName) &&
    typeof origin === 'object' &&
    origin !== null &&
    SPLITS.every((split) => {
      const { tokens, documents } = Object((Object(splits) as CacheConfig['splits'])[split]) as Partial<SplitFiles>;
      return isCount(tokens) && isCount(documents);
    })
  );
}
