import { join } from 'node:path';
import { DataRefError } from '@dataref/core';
import { storeOf } from '@dataref/core/adapter';
import { FileStorage } from '@dataref/core/fs';
import { isOpenAiEncoding } from '../tokenizer/openai.js';
import type { OpenedTokenizer, TokenizerRecipe } from '../tokenizer/tokenizer.js';

export const TOKENIZER_FILE = 'tokenizer.json';
const TOKENIZER_CONFIG_FILE = 'tokenizer_config.json';
const LIMIT_BYTES = 512 * 2 ** 20;
/** Marks a file that says which tokenizer it was, where there is no tokenizer.json of it. */
const FORMAT = 'dataref-tokenizer';

/**
 * Files that tell a cache's tokenizer, by their names: a tokenizer.json of Hugging Face's, and the tokenizer_config.json beside
 * it, as they were; of any other a small JSON object that names it.
 */
export function tokenizerFiles({ recipe }: OpenedTokenizer): readonly (readonly [name: string, text: string])[] {
  if (recipe?.kind !== 'json') {
    const named = recipe ?? { kind: 'object' };
    return [[TOKENIZER_FILE, `${JSON.stringify({ format: FORMAT, ...named }, undefined, 2)}\n`]];
  }
  const { tokenizer, config } = recipe;
  return [[TOKENIZER_FILE, tokenizer], ...(config === undefined ? [] : [[TOKENIZER_CONFIG_FILE, config] as const])];
}

/**
 * How to open a cache's tokenizer again; undefined where it was an object or a module of the user's own: a folder that may
 * come from anybody names no code to run.
 * @param path the cache's folder
 * @param name of the tokenizer, as the cache's config has it
 * @throws DataRefError CORRUPT
 */
export async function readRecipe(
  path: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<TokenizerRecipe | undefined> {
  const store = storeOf('a token cache', new FileStorage(path));
  const textOf = async (file: string): Promise<string | undefined> => {
    const object = await store.get(file, LIMIT_BYTES, { signal });
    return object && new TextDecoder().decode(object.bytes);
  };
  const tokenizer = await textOf(TOKENIZER_FILE);
  const damaged = (problem: string): DataRefError =>
    new DataRefError('CORRUPT', `${join(path, TOKENIZER_FILE)}: ${problem}; encode again`);
  if (tokenizer === undefined) throw damaged('is missing');
  let value: Record<string, unknown>;
  try {
    value = Object(JSON.parse(tokenizer)) as Record<string, unknown>;
  } catch {
    throw damaged('is no JSON');
  }
  if (value['format'] !== FORMAT) return { kind: 'json', name, tokenizer, config: await textOf(TOKENIZER_CONFIG_FILE) };
  const { kind, encoding } = value;
  if (kind === 'object' || kind === 'module') return undefined;
  if (kind === 'openai' && isOpenAiEncoding(encoding)) return { kind, name, encoding };
  throw damaged('names no tokenizer that this release knows');
}
