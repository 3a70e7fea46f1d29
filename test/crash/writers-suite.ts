import { beforeAll, expect, jest, test } from '@jest/globals';
import { fromRecords } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { announceSeed, randomOf, runs } from '../../packages/core/test/scale.js';
import { FileStore } from '../../packages/core/dist/store/file-store.js';
import { storeInParts } from '../../packages/core/test/stream/store-in-parts.js';
import { committedFiles } from './committed-files.js';
import type { Place } from './place.js';
import { run, script, tempFolder } from './process.js';

jest.setTimeout(1_200_000);
const random = randomOf(announceSeed('crash/writers'));
const KILLS = runs(20);
/** 10.5 MiB: in a bucket, an upload of several pieces. */
const RECORDS = 672;
const OF = 3;

/** Runs the writer to its end, or kills it so many ms after it has begun. @returns how long it took; undefined if killed */
async function write(place: Place, killAfterMs: number | undefined, ...args: string[]): Promise<number | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const worker = await run(
    process.execPath,
    ['--no-warnings', script('writer.mjs'), place.spec, ...args],
    (_, child) => {
      if (killAfterMs !== undefined) timer ??= setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    },
  );
  clearTimeout(timer);
  expect(worker.errors).toBe('');
  const done = worker.lines.find((line) => line.startsWith('done'));
  if (done === undefined) expect(worker.signal).toBe('SIGKILL');
  return done === undefined ? undefined : Number(done.split(' ')[1]);
}

/** x@1 is whole, or not there at all. */
async function expectNothingHalf({ storage }: Place): Promise<boolean> {
  if (!(await storage.has('x', '1'))) return false;
  expect(await storage.verify('x', '1')).toEqual({ ok: true, problems: [] });
  const dataset = await storage.fetch('x', '1');
  expect(dataset.length).toBe(RECORDS);
  expect((await dataset.read([0, 300, RECORDS - 1])).columns['i']?.data).toEqual(Float64Array.of(0, 300, RECORDS - 1));
  return true;
}

/** A vacuum leaves what is committed and nothing else, and the dataset whole. */
async function expectOnlyWhatIsCommitted(place: Place): Promise<void> {
  await place.storage.vacuum({ graceMs: 0 });
  await expectNothingHalf(place);
  expect(await place.everything()).toEqual(await committedFiles(place));
}

let source: { readonly folder: string; readonly storage: FileStorage };
beforeAll(async () => {
  const folder = tempFolder();
  const records = Array.from({ length: RECORDS }, (_, i) => ({ i, bytes: new Uint8Array(2 ** 14).fill(i & 255) }));
  await storeInParts(new FileStore(folder), await fromRecords(records), 'x', '1', 96);
  source = { folder, storage: new FileStorage(folder) };
});

export function writersSuite(open: () => Promise<Place>): void {
  test(`a submit that is killed ${KILLS} times`, async () => {
    const place = await open();
    let usualMs = (await write(place, undefined, 'submit', String(RECORDS))) as number;
    await place.storage.delete('x', '1');
    for (let kills = 0; kills < KILLS;) {
      const wasThere = await place.storage.has('x', '1');
      const doneMs = await write(place, random() * usualMs * 1.2, 'submit', String(RECORDS));
      // A kill that came too late is none, and the machine faster than it was.
      if (doneMs === undefined) kills++;
      else usualMs = Math.min(usualMs, doneMs);
      const isThere = await expectNothingHalf(place);
      if (wasThere) expect(isThere).toBe(true);
      if (random() < 0.5) await expectOnlyWhatIsCommitted(place);
      if (random() < 0.3) await place.storage.delete('x', '1');
    }
    await write(place, undefined, 'submit', String(RECORDS));
    expect(await expectNothingHalf(place)).toBe(true);
    await expectOnlyWhatIsCommitted(place);
  });

  test(`a copy that is killed ${KILLS} times goes on with what it has copied`, async () => {
    const place = await open();
    const from = JSON.stringify({ directory: source.folder });
    const usualMs = (await write(place, undefined, 'copy', from)) as number;
    await place.storage.delete('x', '1');
    const { fingerprint } = await source.storage.fetch('x', '1');
    let continued = 0;
    // At least until there was something to go on with.
    for (let kills = 0; kills < KILLS || continued === 0;) {
      // Of what a whole copy takes: one that goes on with another's parts takes less, and says nothing of the next.
      if ((await write(place, random() * usualMs * 1.2, 'copy', from)) === undefined) kills++;
      if (await expectNothingHalf(place)) {
        // The next one would find nothing to do, and take no time that a kill could fall into.
        await place.storage.delete('x', '1');
        continue;
      }
      const before = new Map<string, string>();
      for (const key of await place.everything())
        if (/^x\/1\/data\/.*\.(?:arrow|head)$/u.test(key)) before.set(key, await place.stamp(key));
      if (random() < 0.5) continue; // killed again before it is whole
      if (random() < 0.3) {
        await expectOnlyWhatIsCommitted(place);
        before.clear();
      }
      await write(place, undefined, 'copy', from);
      expect(await expectNothingHalf(place)).toBe(true);
      expect((await place.storage.fetch('x', '1')).fingerprint).toBe(fingerprint);
      for (const [key, stamp] of before) expect([key, await place.stamp(key)]).toEqual([key, stamp]);
      continued += before.size;
      await expectOnlyWhatIsCommitted(place);
      if (before.size > 0)
        expect((await place.everything()).filter((key) => before.has(key))).toHaveLength(before.size);
      await place.storage.delete('x', '1');
    }
    await write(place, undefined, 'copy', from);
    expect(await expectNothingHalf(place)).toBe(true);
    await expectOnlyWhatIsCommitted(place);
  });

  test(`${OF} writers of shares that are killed ${KILLS} times make one dataset`, async () => {
    const place = await open();
    const share = (part: number, killAfterMs?: number) =>
      write(place, killAfterMs, 'share', String(part), String(OF), String(RECORDS / OF));
    const parts = [0, 1, 2];
    const all = (killAfterMs: () => number | undefined) => Promise.all(parts.map((part) => share(part, killAfterMs())));
    let usualMs = Math.max(...((await all(() => undefined)) as number[]));
    expect(await expectNothingHalf(place)).toBe(true);
    const { fingerprint } = await place.storage.fetch('x', '1');
    const { fingerprint: whole } = await source.storage.fetch('x', '1');
    expect(fingerprint).toBe(whole);
    for (let kills = 0; kills < KILLS;) {
      await place.storage.delete('x', '1');
      const done = (await all(() => random() * usualMs * 1.2)).filter((doneMs) => doneMs !== undefined);
      kills += OF - done.length;
      usualMs = Math.min(usualMs, ...done);
      await expectNothingHalf(place);
      // What is durable is kept by a vacuum of today; the rest is written again.
      await place.storage.vacuum();
      await all(() => undefined);
      expect(await expectNothingHalf(place)).toBe(true);
      expect((await place.storage.fetch('x', '1')).fingerprint).toBe(whole);
      await expectOnlyWhatIsCommitted(place);
    }
    await place.storage.delete('x', '1');
    await share(0, usualMs / 2);
    await expectOnlyWhatIsCommitted(place);
  });
}
