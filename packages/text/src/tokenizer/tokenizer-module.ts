import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DataRefError } from '@dataref/core';
import { checkTokenizer } from './own-tokenizer.js';
import type { Tokenizer } from './tokenizer.js';

/**
 * The tokenizer of a module: its default export, or what that gives when it is called.
 * @throws DataRefError INVALID_ARGUMENT where it cannot be loaded, or makes no tokenizer
 */
export async function openTokenizerModule(url: string): Promise<Tokenizer> {
  let made: unknown;
  try {
    const { default: exported } = (await import(url)) as { readonly default?: unknown };
    made = typeof exported === 'function' ? await (exported as () => unknown)() : exported;
  } catch (cause) {
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `tokenizer: ${url} could not be loaded: ${(cause as Error | undefined)?.message}. Its default export must be a tokenizer {encode, vocabSize, eosId}, or a function that makes one`,
      { cause, details: { module: url } },
    );
  }
  return checkTokenizer(`tokenizer of ${url}`, made);
}

/** What tells a module's state where the user does not: the hash of its own text. */
export async function revisionOf(url: string): Promise<string> {
  try {
    return `sha256:${createHash('sha256')
      .update(await readFile(fileURLToPath(url)))
      .digest('hex')}`;
  } catch (cause) {
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `tokenizer: the module ${url} cannot be read, whose content tells one tokenizer from another; give a file's URL, or {module, revision}`,
      { cause, details: { module: url } },
    );
  }
}
