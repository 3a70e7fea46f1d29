import { readFile } from 'node:fs/promises';
import { DataRefError } from '@dataref/core';
import type { TokenizerTexts } from '../../tokenizer/json-tokenizer.js';
import { download } from './download.js';
import type { Hub } from './hub.js';
import { filesOf, REPOSITORY_NAME } from './repository-file.js';

/**
 * The `tokenizer.json` of a model on a hub, and its `tokenizer_config.json`.
 * @throws DataRefError NOT_FOUND for a model that there is not, is private or has no tokenizer.json; as download
 */
export async function tokenizerOfHub(hub: Hub, name: string, signal?: AbortSignal): Promise<TokenizerTexts> {
  if (!REPOSITORY_NAME.test(name))
    throw new DataRefError('INVALID_ARGUMENT', `tokenizer: ${JSON.stringify(name)} is no repository "owner/name"`);
  const files = await filesOf(hub, { type: 'model', name, revision: 'main' }, { recursive: false, signal });
  const textOf = async (path: string): Promise<string | undefined> => {
    const file = files.find((some) => some.path === path);
    return file === undefined ? undefined : readFile(await download(hub, file, signal), 'utf8');
  };
  const tokenizer = await textOf('tokenizer.json');
  if (tokenizer === undefined)
    throw new DataRefError(
      'NOT_FOUND',
      `model ${JSON.stringify(name)} on ${hub.url} has no tokenizer.json; save it as a fast tokenizer, or give another`,
    );
  return { tokenizer, config: await textOf('tokenizer_config.json') };
}
