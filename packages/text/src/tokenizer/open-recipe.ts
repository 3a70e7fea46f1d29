import { openTokenizerJson } from './json-tokenizer.js';
import { openOpenAi } from './openai.js';
import { openTokenizerModule } from './tokenizer-module.js';
import type { Tokenizer, TokenizerRecipe } from './tokenizer.js';

/** The tokenizer of a recipe: in a worker thread, or from a cache. @throws DataRefError CORRUPT, UNSUPPORTED, INVALID_ARGUMENT */
export async function openRecipe(recipe: TokenizerRecipe): Promise<Tokenizer> {
  if (recipe.kind === 'openai') return openOpenAi(recipe.encoding);
  if (recipe.kind === 'module') return openTokenizerModule(recipe.url);
  return openTokenizerJson(recipe.name, recipe);
}
