import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildCache } from '../../dist/cache/build-cache.js';
import type { CacheSettings } from '../../dist/cache/settings.js';
import type { TextSource } from '../../dist/source/text-source.js';
import { openTokenizer } from '../../dist/tokenizer/open-tokenizer.js';
import type { OpenedTokenizer } from '../../dist/tokenizer/tokenizer.js';
// @ts-expect-error -- plain JavaScript, which the programs that the tests start import too
import * as made from './any-source.mjs';

export type Rows = readonly (readonly (string | null)[])[];
interface SourceOptions {
  readonly unitRows?: number;
  readonly onUnit?: (split: string, id: string) => void;
}
export const { sourceOf, textRows, textOf } = made as {
  readonly sourceOf: (splits: Readonly<Record<string, Rows>>, options?: SourceOptions) => TextSource;
  readonly textRows: (count: number, first?: number) => Rows;
  readonly textOf: (number: number) => string;
};

export const SETTINGS: CacheSettings = {
  mappingColumnName: ['text'],
  validationSplit: 0.1,
  splitShuffle: true,
  splitSeed: 42,
  useEosToken: true,
};

/** A tokenizer that worker threads open too. */
export const byteTokenizer = (): Promise<OpenedTokenizer> =>
  openTokenizer(new URL('byte-tokenizer.mjs', import.meta.url));

/** Builds a cache with the tokenizer of bytes; all may be told otherwise. */
export async function build(
  directory: string,
  source: TextSource,
  changes: Partial<Parameters<typeof buildCache>[0]> = {},
): ReturnType<typeof buildCache> {
  return buildCache({
    directory,
    source,
    tokenizer: await byteTokenizer(),
    settings: SETTINGS,
    workers: 2,
    ...changes,
  });
}

/** The files of a cache by their names, as hexadecimal digits. */
export function filesOf(path: string): Record<string, string> {
  const names = readdirSync(path).sort();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(path, name)).toString('hex')]));
}

/** The tokens of a `.npy` file of uint16. */
export function tokensOf(file: string): number[] {
  const bytes = readFileSync(file);
  return Array.from(new Uint16Array(bytes.buffer.slice(bytes.byteOffset + 128, bytes.byteOffset + bytes.length)));
}

/** The ends of documents in a `.npy` file of int64. */
export function endsOf(file: string): number[] {
  const bytes = readFileSync(file);
  const ends = new BigInt64Array(bytes.buffer.slice(bytes.byteOffset + 128, bytes.byteOffset + bytes.length));
  return Array.from(ends, Number);
}
