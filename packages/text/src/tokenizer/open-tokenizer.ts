import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeValue, sha256Text } from '@dataref/core/adapter';
import { DataRefError } from '@dataref/core';
import type { TokenizerTexts } from './json-tokenizer.js';
import { openAiEncodingOf } from './openai.js';
import { openRecipe } from './open-recipe.js';
import { checkTokenizer, sampledFingerprint } from './own-tokenizer.js';
import { revisionOf } from './tokenizer-module.js';
import type { OpenedTokenizer, Tokenizer, TokenizerRecipe } from './tokenizer.js';

/**
 * What names a tokenizer:
 * - a string: GPT-2's name or one of OpenAI's ('gpt2', 'cl100k_base', 'gpt-4'), offline; a path that begins with `.` or
 *   `/`, or ends in `.json`: a `tokenizer.json` or the folder that has it; else a repository of Hugging Face's hub
 * - a URL: a `tokenizer.json` or its folder, or, where it ends in `.js`, `.mjs`, `.cjs` or `.ts`, a module whose default
 *   export is a tokenizer or makes one
 * - the texts of a `tokenizer.json` and its `tokenizer_config.json`
 * - a tokenizer of the user's own; it encodes on the calling thread alone, unless a module makes it
 */
export type TokenizerOption = string | URL | TokenizerTexts | TokenizerModule | Tokenizer;

/** A module that makes a tokenizer, and what tells its state (default: the hash of its text). */
export interface TokenizerModule {
  readonly module: string | URL;
  readonly revision?: string | undefined;
}

/** Fetches a tokenizer's texts from a hub. */
export type TokenizerHub = (repository: string) => Promise<TokenizerTexts>;

/**
 * Opens what an option names.
 * @param hub asked for names that are no path and no vocabulary of OpenAI's
 * @throws DataRefError INVALID_ARGUMENT for what names none; NOT_FOUND for a file that is not there; CORRUPT,
 * UNSUPPORTED as openRecipe; what the hub throws
 */
export async function openTokenizer(option: TokenizerOption, hub?: TokenizerHub): Promise<OpenedTokenizer> {
  if (typeof (option as Partial<Tokenizer> | undefined)?.encode === 'function') return openOwn(option as Tokenizer);
  const recipe = await recipeOf(option, hub);
  return { tokenizer: await openRecipe(recipe), recipe, fingerprint: fingerprintOf(recipe) };
}

function openOwn(option: Tokenizer): OpenedTokenizer {
  const tokenizer = checkTokenizer('tokenizer', option);
  return { tokenizer, recipe: undefined, fingerprint: tokenizer.fingerprint ?? sampledFingerprint(tokenizer) };
}

async function recipeOf(option: TokenizerOption, hub: TokenizerHub | undefined): Promise<TokenizerRecipe> {
  if (typeof option === 'string') return recipeOfName(option, hub);
  if (option instanceof URL)
    return /\.[mc]?[jt]s$/u.test(option.pathname) ? moduleRecipe(option) : recipeOfFile(option);
  const { tokenizer, config, module, revision } = Object(option) as Partial<TokenizerTexts & TokenizerModule>;
  if (typeof tokenizer === 'string') return { kind: 'json', name: 'tokenizer.json', tokenizer, config };
  if (module instanceof URL || typeof module === 'string') return moduleRecipe(module, revision);
  throw new DataRefError(
    'INVALID_ARGUMENT',
    `tokenizer: expected a name, a path, a URL, {tokenizer: the text of a tokenizer.json}, {module} or {encode, vocabSize, eosId}, got ${describeValue(option)}`,
  );
}

async function recipeOfName(name: string, hub: TokenizerHub | undefined): Promise<TokenizerRecipe> {
  const encoding = await openAiEncodingOf(name);
  if (encoding !== undefined) return { kind: 'openai', name, encoding };
  if (/^\.{0,2}[/\\]|^\.{1,2}$|\.json$|^[a-z]:\\/iu.test(name)) return recipeOfFile(name);
  if (hub === undefined)
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `tokenizer: ${describeValue(name)} is no vocabulary that is here; of a folder, begin the path with ./ or /`,
    );
  return { kind: 'json', name, ...(await hub(name)) };
}

async function moduleRecipe(module: string | URL, revision?: string): Promise<TokenizerRecipe> {
  const url = String(module);
  return {
    kind: 'module',
    name: url.slice(url.lastIndexOf('/') + 1),
    url,
    revision: revision ?? (await revisionOf(url)),
  };
}

/** A `tokenizer.json`, or the folder that has it, and the `tokenizer_config.json` beside it. */
async function recipeOfFile(given: string | URL): Promise<TokenizerRecipe> {
  if (given instanceof URL && given.protocol !== 'file:')
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `tokenizer: a URL must be that of a file, got one of ${given.protocol}//; of a hub, give the repository's name, and hubUrl`,
    );
  const path = given instanceof URL ? fileURLToPath(given) : given;
  const file = path.endsWith('.json') ? path : join(path, 'tokenizer.json');
  const tokenizer = await textOf(file);
  if (tokenizer === undefined)
    throw new DataRefError(
      'NOT_FOUND',
      `tokenizer: there is no ${file}; give a tokenizer.json, or the folder that has it`,
      {
        details: { file },
      },
    );
  const config = await textOf(join(dirname(file), 'tokenizer_config.json'));
  return { kind: 'json', name: basename(path) || basename(dirname(path)), tokenizer, config };
}

/** A file's text, undefined where there is no such file. */
async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new DataRefError('STORE_FAILED', `tokenizer: ${file} cannot be read: ${message}`, {
      cause,
      details: { errno: code },
    });
  }
}

/** What makes other ids makes another text; names do not. */
function fingerprintOf(recipe: TokenizerRecipe): string {
  if (recipe.kind === 'openai') return sha256Text(`openai\n${recipe.encoding}`);
  if (recipe.kind === 'module') return sha256Text(`module\n${recipe.revision}`);
  return sha256Text(
    `json\n${sha256Text(recipe.tokenizer)}\n${recipe.config === undefined ? '' : sha256Text(recipe.config)}`,
  );
}
