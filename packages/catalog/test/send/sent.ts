import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DataRef, DatasetInfo } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { tempFolder } from '../../../core/test/temp-folder.js';

/** The module with the functions that tests send. */
export const MODULE = new URL('./modules/functions.mjs', import.meta.url);

/** A dataset of records `{ n, text }` in a storage of its own. */
export async function storedRecords(length: number) {
  const folder = tempFolder();
  const storage = new FileStorage(folder);
  const records = Array.from({ length }, (_, n) => ({ n, text: `text ${n}` }));
  return { folder, storage, records, data: await storage.submit(records, 'x', '1') };
}

export async function recordsOf(data: DataRef): Promise<any[]> {
  return (await data.read(Array.from({ length: data.length }, (_, i) => i))).records();
}

/** A hash of every file of a dataset's parts, in their order. @param version of the dataset, of which there is one in the folder */
export function partsOf(folder: string, version: string): string[] {
  const manifest = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((path) =>
    path.endsWith(join(version, 'dataset.json')),
  );
  const { parts } = JSON.parse(readFileSync(join(folder, manifest!), 'utf8')) as { parts: { generation: string }[] };
  return parts.flatMap(({ generation }) => {
    const path = join(folder, dirname(manifest!), 'data', generation);
    return readdirSync(path)
      .sort()
      .map(
        (name) =>
          `${name} ${createHash('sha256')
            .update(readFileSync(join(path, name)))
            .digest('hex')}`,
      );
  });
}

/** The one dataset of a storage that a send made. */
export async function theSent(storage: FileStorage): Promise<DatasetInfo> {
  for await (const info of storage.list()) if (info.id.startsWith('sends/')) return info;
  throw new Error('nothing was sent');
}
