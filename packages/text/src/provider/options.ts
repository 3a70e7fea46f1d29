import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DataRefError, type Progress } from '@dataref/core';
import { countOf, describeValue, ioOptionsOf, oneOf, refuseUnknown } from '@dataref/core/adapter';
import type { CacheSettings } from '../cache/settings.js';
import { VALIDATION_SHARE } from '../splits/split-plan.js';
import type { TokenizerOption } from '../tokenizer/open-tokenizer.js';

/** How text becomes a token dataset, whatever it comes from. Archai's spellings are taken too: `mapping_column_name`, `seed`. */
export interface EncodeOptions extends MemoryOptions {
  /** The tokenizer: a name, a path, a URL, the texts of a `tokenizer.json`, a module, or an object of one's own. */
  readonly tokenizer?: TokenizerOption | undefined;
  /** Its name, in place of `tokenizer`: 'gpt2', or a repository of the hub. */
  readonly tokenizerName?: string | undefined;
  /** Columns that are encoded, in this order. Default ['text']. Without EOS two are encoded as a pair. */
  readonly mappingColumnName?: string | readonly string[] | undefined;
  /** Share of train that becomes the validation where there is none. Default, and for 0: 0.1. */
  readonly validationSplit?: number | undefined;
  /** Whether splits that are taken from others are shuffled, as by `train_test_split`. Default true. */
  readonly splitShuffle?: boolean | undefined;
  /** numpy's seed of that shuffle, an integer ≥ 0. Default 42. */
  readonly splitSeed?: number | undefined;
  /** Threads that encode. Default: as many as the machine has processors. They change no byte of the cache. */
  readonly workers?: number | undefined;
  /** Put the tokenizer's EOS after each text that is not empty. Default true. */
  readonly useEosToken?: boolean | undefined;
  /** Where caches are kept: each in a folder of its own, named by its fingerprint. Default './cache'. */
  readonly cache?: { readonly directory: string | URL } | undefined;
  /** Archai's spelling of `cache.directory`. */
  readonly cacheDir?: string | URL | undefined;
  /** Hub that names of datasets and tokenizers are looked up on. Default https://huggingface.co */
  readonly hubUrl?: string | undefined;
  /** Sent to that hub alone: for what is private. */
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told of the phases `download` and `write` (in bytes), `encode` (in records), and `wait` while another process builds the same. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** How tokens are held while they are read. */
export interface MemoryOptions {
  /** One copy of the tokens for this thread and all that it begins afterwards; false gives this thread one of its own, which is read a little faster. Default true. */
  readonly useSharedMemory?: boolean | undefined;
  /** Memory for tokens of all datasets together, in bytes. Default: a quarter of the machine's memory, at most 2 GiB. */
  readonly memoryLimitBytes?: number | undefined;
}

/** Options that were checked, and the rest, which belong to the source. */
export interface CheckedOptions {
  readonly tokenizer: TokenizerOption;
  readonly settings: CacheSettings;
  readonly workers: number;
  readonly directory: string;
  readonly memory: MemoryOptions;
  readonly hub: Pick<EncodeOptions, 'hubUrl' | 'token'>;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

const NAMES = [
  'tokenizer',
  'tokenizerName',
  'mappingColumnName',
  'validationSplit',
  'splitShuffle',
  'splitSeed',
  'workers',
  'useEosToken',
  'useSharedMemory',
  'memoryLimitBytes',
  'cache',
  'hubUrl',
  'token',
  'signal',
  'onProgress',
];
/** Archai's names, in camel case, where ours are others. */
const SPELLINGS: Readonly<Record<string, string>> = {
  shuffle: 'splitShuffle',
  seed: 'splitSeed',
  numWorkers: 'workers',
};
const DEFAULT_DIRECTORY = 'cache';
const DEFAULT_SEED = 42;
const LARGEST_SEED = 2 ** 53 - 1;

/**
 * Checks what all of the provider's functions take.
 * @param own names of options that this function alone has
 * @returns what is common, and the options that are the function's own
 * @throws DataRefError INVALID_ARGUMENT
 */
export function checkOptions<T extends EncodeOptions>(
  what: string,
  options: T,
  own: readonly string[],
): { readonly common: CheckedOptions; readonly rest: Omit<T, keyof EncodeOptions> } {
  const {
    tokenizer,
    tokenizerName,
    mappingColumnName = ['text'],
    validationSplit,
    splitShuffle = true,
    splitSeed = DEFAULT_SEED,
    workers = availableParallelism(),
    useEosToken = true,
    useSharedMemory,
    memoryLimitBytes,
    cache,
    cacheDir,
    hubUrl,
    token,
    signal,
    onProgress,
    ...rest
  } = ioOptionsOf(what, respelled(what, options));
  refuseUnknown(what, Object.fromEntries(Object.entries(rest).filter(([name]) => !own.includes(name))), [
    ...own,
    ...NAMES,
  ]);
  const isGiven = (value: unknown) => value !== undefined && value !== null;
  if (isGiven(tokenizer) === isGiven(tokenizerName))
    throw wrong(what, `needs either tokenizer or tokenizerName, got ${isGiven(tokenizer) ? 'both' : 'neither'}`);
  if (isGiven(tokenizerName) && typeof tokenizerName !== 'string')
    throw wrong(what, `tokenizerName must be a string, got ${describeValue(tokenizerName)}`);
  const settings = {
    mappingColumnName: columnsOf(what, mappingColumnName),
    validationSplit: shareOf(what, validationSplit),
    splitShuffle: oneOf(`${what}: splitShuffle`, splitShuffle, [true, false]),
    splitSeed: countOf(`${what}: splitSeed`, splitSeed, 0, LARGEST_SEED),
    useEosToken: oneOf(`${what}: useEosToken`, useEosToken, [true, false]),
  };
  if (cache !== undefined && cacheDir !== undefined) throw wrong(what, 'cache.directory was given, and cacheDir too');
  const common: CheckedOptions = {
    tokenizer: (tokenizer ?? tokenizerName) as TokenizerOption,
    settings,
    workers: countOf(`${what}: workers`, workers, 1, 1024),
    directory: directoryOf(what, cache === undefined ? cacheDir : directoryIn(what, cache)),
    memory: checkMemory(what, { useSharedMemory, memoryLimitBytes }),
    hub: { hubUrl, token },
    signal,
    onProgress,
  };
  return { common, rest };
}

export function checkMemory(what: string, { useSharedMemory, memoryLimitBytes }: MemoryOptions): MemoryOptions {
  return {
    useSharedMemory: oneOf(`${what}: useSharedMemory`, useSharedMemory, [undefined, true, false]),
    memoryLimitBytes:
      memoryLimitBytes === undefined ? undefined : countOf(`${what}: memoryLimitBytes`, memoryLimitBytes, 0),
  };
}

/** The path of a folder that was given as one, or as a file URL. @throws DataRefError INVALID_ARGUMENT */
export function directoryOf(what: string, directory: unknown = DEFAULT_DIRECTORY): string {
  if (directory instanceof URL && directory.protocol === 'file:') return fileURLToPath(directory);
  if (typeof directory === 'string' && directory !== '' && !directory.includes('\0') && !directory.includes('://'))
    return resolve(directory);
  throw wrong(
    what,
    `the cache's directory must be a path or a file URL, got ${describeValue(directory instanceof URL ? directory.protocol : directory)}`,
  );
}

function directoryIn(what: string, cache: unknown): unknown {
  if (typeof cache === 'object' && cache !== null && 'directory' in cache) return cache.directory ?? null;
  throw wrong(what, `cache must be { directory: 'a path' }, got ${describeValue(cache)}`);
}

/** Options under our names, whichever way they were spelled. */
function respelled<T extends object>(what: string, options: T): T {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return options; // told of by who checks them
  const named: Record<string, unknown> = {};
  for (const [given, value] of Object.entries(options)) {
    const camel = given.replace(/_([a-z])/gu, (_, letter: string) => letter.toUpperCase());
    const name = Object.hasOwn(SPELLINGS, camel) ? (SPELLINGS[camel] as string) : camel;
    if (Object.hasOwn(named, name)) throw wrong(what, `${name} was given twice, the second time as ${given}`);
    named[name] = value;
  }
  return named as T;
}

function columnsOf(what: string, columns: unknown): readonly string[] {
  const list: readonly unknown[] = typeof columns === 'string' ? [columns] : Array.isArray(columns) ? columns : [];
  if (
    list.length > 0 &&
    list.every((name) => typeof name === 'string' && name !== '') &&
    new Set(list).size === list.length
  )
    return list as readonly string[];
  throw wrong(
    what,
    `mappingColumnName must be a column's name, or a list of different ones, got ${describeValue(columns)}`,
  );
}

function shareOf(what: string, share: unknown): number {
  if (share === undefined || share === null || share === 0) return VALIDATION_SHARE;
  if (typeof share === 'number' && share > 0 && share < 1) return share;
  throw wrong(what, `validationSplit must be a share between 0 and 1, got ${describeValue(share)}`);
}

function wrong(what: string, problem: string): DataRefError {
  return new DataRefError('INVALID_ARGUMENT', `${what}: ${problem}`);
}
