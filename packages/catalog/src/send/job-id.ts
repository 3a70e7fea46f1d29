import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { serialize } from 'node:v8';
import { DataRefError } from '@dataref/core';

/** Imports of files beside a module. What only looks like one adds a file to the hash, which does no harm. */
const RELATIVE_IMPORT = /\b(?:from|import|require)\s*\(?\s*(['"])(\.{1,2}\/[^'"\n]+)\1/gu;

/**
 * A text that differs where the code of a module does: its own and that of the files which it imports by relative paths,
 * and these in turn. Packages are not looked at.
 * @throws DataRefError INVALID_ARGUMENT where the module cannot be read
 */
export async function hashOfModule(module: string): Promise<string> {
  const hash = createHash('sha256');
  const seen = new Set<string>();
  const waiting = [module];
  for (let url = waiting.shift(); url !== undefined; url = waiting.shift()) {
    if (seen.has(url)) continue;
    seen.add(url);
    const text = await readModule(url, url === module);
    if (text === undefined) continue;
    hash.update(`${text.length}\n${text}`);
    for (const [, , specifier] of text.matchAll(RELATIVE_IMPORT)) waiting.push(new URL(specifier as string, url).href);
  }
  return hash.digest('hex');
}

async function readModule(url: string, isRoot: boolean): Promise<string | undefined> {
  try {
    return await readFile(fileURLToPath(url), 'utf8');
  } catch (error) {
    if (!isRoot) return undefined; // an import that is none, or one that the worker will tell of
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `send: ${url} cannot be read: ${(error as Error).message}. Give the URL of a JavaScript module that exports the function, new URL('./preprocess.js', import.meta.url)`,
      { cause: error, details: { module: url } },
    );
  }
}

/** A name for what is made of these: equal values, equal text of 32 letters and digits. */
export function jobId(...of: readonly unknown[]): string {
  return createHash('sha256').update(serialize(of)).digest('hex').slice(0, 32);
}
