import { isDataRefError } from '../errors.js';
import type { ObjectReader, ObjectStore } from '../store/object-store.js';
import { check, checkEqual, rejectionOf } from './check.js';
import { bytes, checkRejects } from './store-samples.js';

/** Claims about a new, empty store, by their names. */
export type StoreChecks = Readonly<Record<string, (store: ObjectStore) => Promise<void>>>;

/** What readers promise. */
export const READ_CHECKS: StoreChecks = {
  async 'a reader fills any range, and refuses one past the end'(store) {
    await store.put('k', bytes(5000));
    const reader = await store.open('k');
    check(reader !== undefined, 'opened');
    checkEqual(reader.byteLength, 5000, 'byteLength');
    for (const [start, length] of [
      [0, 5000],
      [4999, 1],
      [5000, 0],
      [17, 33],
    ] as const) {
      const into = new Uint8Array(length + 2).fill(7);
      await reader.read(into.subarray(1, length + 1), start);
      checkEqual(into.subarray(1, length + 1), bytes(5000).subarray(start, start + length), `read at ${start}`);
      checkEqual([into[0], into[length + 1]], [7, 7], 'around it');
      const again = new Uint8Array(length);
      reader.readSync?.(again, start);
      if (reader.readSync !== undefined) checkEqual(again, into.slice(1, length + 1), `readSync at ${start}`);
    }
    await checkRejects(reader.read(new Uint8Array(2), 4999), 'CORRUPT');
    await checkRejects(
      (async () =>
        reader.readSync === undefined
          ? reader.read(new Uint8Array(1), 5000)
          : reader.readSync(new Uint8Array(1), 5000))(),
      'CORRUPT',
    );
    await reader.close();
    await reader.close();
  },

  async 'a reader whose size is known when it is opened reads the same'(store) {
    await store.put('a/k', bytes(300));
    const reader = await store.open('a/k', { byteLength: 300 });
    check(reader !== undefined, 'opened');
    checkEqual(reader.byteLength, 300, 'byteLength');
    for (const start of [0, 299, 17])
      checkEqual(await readFrom(reader, start, 1), bytes(300).subarray(start, start + 1), `read at ${start}`);
    await checkRejects(reader.read(new Uint8Array(2), 299), 'CORRUPT');
    await reader.close();
  },

  async 'an object of another size than was said is not read as if it were that one'(store) {
    await store.put('a/k', bytes(300));
    for (const byteLength of [299, 301]) {
      const reader = await store.open('a/k', { byteLength });
      check(reader !== undefined, 'opened');
      // A store that is near knows better at once; one that is far away sees it when it reads.
      if (reader.byteLength === byteLength) await checkRejects(reader.read(new Uint8Array(10), 0), 'CORRUPT');
      else checkEqual(reader.byteLength, 300, 'byteLength');
      await reader.close();
    }
    const reader = await store.open('a/none', { byteLength: 300 });
    if (reader !== undefined) await checkRejects(reader.read(new Uint8Array(10), 0), 'GENERATION_GONE');
    await reader?.close();
  },

  async 'a reader fills many ranges, in any order, and touches nothing around them'(store) {
    await store.put('k', bytes(5000));
    const reader = await store.open('k');
    check(reader !== undefined, 'opened');
    const starts = [4000, 0, 17, 1000, 1010, 4999, 2500, 17];
    const areas = starts.map((start) => new Uint8Array(Math.min(40, 5000 - start) + 2).fill(7));
    await reader.readRanges(areas.map((area, i) => ({ position: starts[i] as number, into: area.subarray(1, -1) })));
    for (const [i, area] of areas.entries()) {
      const start = starts[i] as number;
      checkEqual(area.subarray(1, -1), bytes(5000).subarray(start, start + area.length - 2), `range at ${start}`);
      checkEqual([area[0], area.at(-1)], [7, 7], 'around it');
    }
    await reader.readRanges([]);
    const past = [
      { position: 0, into: new Uint8Array(5) },
      { position: 4999, into: new Uint8Array(2) },
    ];
    await checkRejects(reader.readRanges(past), 'CORRUPT');
    await reader.close();
  },

  async 'a reader stays on the object that it opened, or says that it is gone'(store) {
    await store.put('k', bytes(9000, 1));
    const [reader, quick] = [await store.open('k'), await store.open('k', { byteLength: 9000 })];
    check(reader !== undefined && quick !== undefined, 'opened');
    checkEqual(await readFrom(quick, 10, 9), bytes(9000, 1).subarray(10, 19), 'before the put');
    await store.put('k', bytes(9000, 2));
    for (const old of [reader, quick]) await checkOldOrGone(old, bytes(9000, 1), 'after a put');
    await store.delete('k');
    for (const old of [reader, quick]) await checkOldOrGone(old, bytes(9000, 1), 'after a delete');
    await reader.close();
    await quick.close();
  },

  async 'an abort ends reads with its reason, and nothing is written after that'(store) {
    await store.put('k', bytes(200_000));
    const reader = await store.open('k');
    check(reader !== undefined, 'opened');
    const reason = new Error('enough');
    const aborted = { signal: AbortSignal.abort(reason) };
    check((await rejectionOf(reader.read(new Uint8Array(1), 0, aborted))) === reason, 'read');
    check(
      (await rejectionOf(reader.readRanges([{ position: 0, into: new Uint8Array(1) }], aborted))) === reason,
      'readRanges',
    );
    for (const afterMs of [0, 1, 2, 4]) {
      const controller = new AbortController();
      const ranges = Array.from({ length: 20 }, (_, i) => ({ position: 10_000 * i, into: new Uint8Array(10_000) }));
      const reading = reader.readRanges(ranges, { signal: controller.signal }).catch((error: unknown) => error);
      if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs));
      controller.abort(reason);
      const error = await reading; // a store that is near may be done by then
      check(error === undefined || error === reason, `rejects with the reason, got ${String(error)}`);
      const then = ranges.map(({ into }) => into.slice());
      await new Promise((resolve) => setTimeout(resolve, 5));
      for (const [i, { into }] of ranges.entries()) checkEqual(into, then[i], 'what was there when it ended');
    }
    checkEqual(await readFrom(reader, 7, 9), bytes(200_000).subarray(7, 16), 'the next read');
    await reader.close();
  },
};

async function readFrom(reader: ObjectReader, position: number, byteLength: number): Promise<Uint8Array> {
  const into = new Uint8Array(byteLength);
  await reader.read(into, position);
  return into;
}

async function checkOldOrGone(reader: ObjectReader, old: Uint8Array, when: string): Promise<void> {
  for (const position of [0, 100, old.length - 50]) {
    try {
      checkEqual(await readFrom(reader, position, 50), old.subarray(position, position + 50), when);
    } catch (error) {
      check(
        isDataRefError(error, 'GENERATION_GONE'),
        `${when}: the old bytes or GENERATION_GONE, got ${String(error)}`,
      );
    }
  }
}
