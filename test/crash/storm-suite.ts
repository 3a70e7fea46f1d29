import { beforeAll, expect, jest, test } from '@jest/globals';
import { fromRecords } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { announceSeed, randomOf, runs, scale } from '../../packages/core/test/scale.js';
import { storeInParts } from '../../packages/core/test/stream/store-in-parts.js';
import { FileStore } from '../../packages/core/dist/store/file-store.js';
import { committedFiles } from './committed-files.js';
import type { Place } from './place.js';
import { run, script, tempFolder } from './process.js';

jest.setTimeout(1_200_000);
const random = randomOf(announceSeed('crash/storm'));
/** Nine processes keep every core busy so long: a run that is not the full one is but a glance. */
const STORM_MS = (scale < 1 ? 10_000 : 40_000) * scale;
/** Of each process, however slow the machine. */
const FEWEST_STEPS = runs(20);
/** Of one action, on a machine that does much else: far beyond what any takes. */
const HANG_MS = 120_000;
const ROLES = ['vacuum', 'vacuum', 'submit', 'submit', 'copy', 'copy', 'delete', 'read', 'take'];

/** Datasets of several parts, their records as storm.mjs makes them. */
let source: { readonly place: string; readonly storage: FileStorage };
beforeAll(async () => {
  const directory = tempFolder();
  for (const tag of [1, 2]) {
    const bytes = (i: number) => new Uint8Array(500).fill((tag + i) & 255);
    const records = Array.from({ length: 300 }, (_, i) => ({ tag, i, text: `record ${i} of ${tag}`, bytes: bytes(i) }));
    await storeInParts(new FileStore(directory), await fromRecords(records), 'y', String(tag), 70);
  }
  source = { place: JSON.stringify({ directory }), storage: new FileStorage(directory) };
});

/** Runs a program to its end; it must succeed. One that says nothing for too long is killed, and named. */
async function runWell(...args: string[]): Promise<readonly string[]> {
  let timer: NodeJS.Timeout | undefined;
  const { code, signal, errors, lines } = await run(
    process.execPath,
    ['--no-warnings', script('storm.mjs'), ...args],
    (_, child) => {
      clearTimeout(timer);
      timer = setTimeout(() => child.kill('SIGKILL'), HANG_MS);
    },
  );
  clearTimeout(timer);
  if (code !== 0 || errors !== '')
    throw new Error(`storm.mjs ${args[1]} ended by ${signal ?? code} after '${lines.at(-1)}': ${errors}`);
  return lines;
}

export function stormSuite(open: () => Promise<Place>): void {
  test('what is listed is whole, readers met right records or none, and a last vacuum leaves what is committed', async () => {
    const place = await open();
    for (const version of ['1', '2']) await source.storage.copy('y', version, place.storage);
    const said = await Promise.all(
      ROLES.map((role) =>
        runWell(
          place.spec,
          role,
          String(Math.floor(random() * 2 ** 31)),
          String(STORM_MS),
          String(FEWEST_STEPS),
          source.place,
          tempFolder(),
        ),
      ),
    );
    const counted = (word: string) => said.map((lines) => lines.filter((line) => line.startsWith(word)).length);
    console.info(`done by ${ROLES.join(', ')}: ${counted('done').join(', ')}; gone: ${counted('gone').join(', ')}`);
    const listed = await runWell(place.spec, 'check');
    await place.storage.vacuum({ graceMs: 0 });
    expect(await runWell(place.spec, 'check')).toEqual(listed);
    expect(await place.everything()).toEqual(await committedFiles(place));
  });
}
