import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, jest, test } from '@jest/globals';
import { isDataRefError, type NDArray } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { importHubV1, openArrays, type Arrays, type ChunkedArray, type HubFiles } from '@dataref/arrays';
import { failure } from '../../../core/test/expect-error.js';
import { scale } from '../../../core/test/scale.js';
import { listing, tempFolder } from '../../../core/test/temp-folder.js';

jest.setTimeout(600_000);
const { files: golden } = JSON.parse(readFileSync(new URL('golden/hub-v1.json', import.meta.url), 'utf8')) as {
  readonly files: Readonly<Record<string, string>>;
};
const files: HubFiles = {
  read: async (path) => (golden[path] === undefined ? undefined : Buffer.from(golden[path], 'base64')),
};

/** Imports in another process, and kills it at the given read. @returns whether it was there before it was done */
async function killedAt(folder: string, name: string, reads: number): Promise<boolean> {
  const program = fileURLToPath(new URL('killed-import.mjs', import.meta.url));
  const child = spawn(process.execPath, [program, folder, name, String(reads)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  let isStanding = false;
  for await (const line of createInterface({ input: child.stdout })) {
    isStanding ||= line === 'standing';
    child.kill('SIGKILL');
  }
  await ended;
  return isStanding;
}

async function valuesOf(array: ChunkedArray): Promise<unknown> {
  return [array.shape, ((await array.get([])) as NDArray).data, array.shapes && (await valuesOf(array.shapes))];
}

test.each(['codecs/gzip:x', 'dynamic'])(
  'of an import of %s that is killed at any read nothing can be opened, and the next one has all of it',
  async (name) => {
    const whole = await valuesOf(
      (await importHubV1(openArrays(new ObjectStorage(new MemoryStore())), files, name)) as ChunkedArray,
    );
    const clean = tempFolder();
    await importHubV1(openArrays(new FileStorage(clean)), files, name);
    for (let reads = 0; ; reads += scale < 1 ? 5 : 1) {
      const folder = tempFolder();
      const storage = new FileStorage(folder);
      const arrays = openArrays(storage);
      if (!(await killedAt(folder, name, reads))) {
        expect(reads).toBeGreaterThan(3);
        return;
      }
      const error: unknown = await arrays.openArray(name).catch((reason: unknown) => reason);
      expect(isDataRefError(error, 'NOT_FOUND') || isDataRefError(error, 'CORRUPT')).toBe(true);
      if (isDataRefError(error, 'CORRUPT')) {
        expect(error).toEqual(
          failure('CORRUPT', /is not all there: its import is under way, or was killed; import it again/u),
        );
        await expect(arrays.array(name, { shape: [1], chunk: [1], dtype: 'int8' })).rejects.toThrow(
          failure('ALREADY_EXISTS', /./u),
        );
      }
      await importHubV1(arrays, files, name);
      expect(await valuesOf(await arrays.openArray(name))).toEqual(whole);
      await storage.vacuum({ graceMs: 0 });
      const chunks = (paths: readonly string[]) => paths.filter((path) => !/zarr\.json$|\/$/u.test(path)).length;
      expect(chunks(listing(folder))).toBe(chunks(listing(clean)));
    }
  },
);

test('of two imports at once of one array one is whole, and the other is told', async () => {
  const storage = new ObjectStorage(new MemoryStore());
  const [a, b] = [openArrays(storage), openArrays(storage)];
  const results = await Promise.allSettled([a, b].map((arrays: Arrays) => importHubV1(arrays, files, 'codecs/gzip:x')));
  const failed = results.filter((result) => result.status === 'rejected');
  expect(failed).toHaveLength(1);
  expect([failure('GENERATION_GONE', /./u), failure('ALREADY_EXISTS', /./u)]).toContainEqual(failed[0]?.reason);
  const whole = (await importHubV1(
    openArrays(new ObjectStorage(new MemoryStore())),
    files,
    'codecs/gzip:x',
  )) as ChunkedArray;
  expect(await valuesOf(await a.openArray('codecs/gzip:x'))).toEqual(await valuesOf(whole));
});
