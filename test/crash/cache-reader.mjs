// node cache-reader.mjs SOURCE OBJECTS DIRECTORY LIMIT READ FORECAST SEED READS DELAY_MS
// Reads objects of a FileStore through a cache, whole or in pieces, and checks every byte. OBJECTS is a JSON file of
// their keys, sizes and checksums; byte i of object k is (i * 31 + (i >> 8) + k * 101) & 255. With FORECAST 1 a forecast
// of all that is to be read is followed. Says the bytes that it took from the store.
import { readFileSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { withCache } from '@dataref/core/cache';
import { FileStore } from '../../packages/core/dist/store/file-store.js';

const [source, list, directory, limit, read, forecast, seed, reads, delayMs] = process.argv.slice(2);
const objects = JSON.parse(readFileSync(list, 'utf8'));
let taken = 0;

/** The store as if it were far away: slow, and with no readSync. */
class FarStore extends FileStore {
  async open(key, options) {
    const reader = await super.open(key, options);
    const readFar = async (into, position, { signal } = {}) => {
      await delay(Number(delayMs) * Math.random(), undefined, { signal });
      await reader.read(into, position);
      taken += into.length;
    };
    return (
      reader && {
        byteLength: reader.byteLength,
        read: readFar,
        readRanges: (ranges, how) => Promise.all(ranges.map(({ into, position }) => readFar(into, position, how))),
        close: () => reader.close(),
      }
    );
  }
}

let state = Number(seed) | 1;
function random(below) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
  return Math.floor(((state >>> 0) / 2 ** 32) * below);
}

function check(k, position, bytes) {
  for (let j = 0, i = position; j < bytes.length; j++, i++) {
    if (bytes[j] !== ((i * 31 + (i >> 8) + k * 101) & 255)) throw new Error(`wrong byte ${i} of object ${k}`);
  }
}

const cache = withCache(new FarStore(source), { directory, limitBytes: Number(limit), read });
const order = Array.from({ length: Number(reads) }, (_, i) =>
  forecast === 'each' ? i % objects.length : random(objects.length),
);
/** Whether the copy was still there: another process may have evicted it, and reading again reads the object. */
function readSync(reader, into, position) {
  try {
    reader.readSync(into, position);
    return true;
  } catch (error) {
    if (error.code === 'CORRUPT' && error.message.endsWith('reading again reads the object itself')) return false;
    throw error;
  }
}
let at = 0;
if (forecast === '1') cache.follow({ upcoming: () => new Set(order.slice(at).map((k) => objects[k])) });
writeSync(1, 'begin\n');
const open = new Map();
for (; at < order.length; at++) {
  const k = order[at];
  const { key, byteLength, crc32 } = objects[k];
  if (!open.has(k)) open.set(k, await cache.open(key, { byteLength, crc32 }));
  const reader = open.get(k);
  const position = random(4) === 0 ? 0 : random(byteLength);
  const into = new Uint8Array(position === 0 ? byteLength : random(byteLength - position) + 1);
  if (reader.readSync === undefined || random(2) === 0 || !readSync(reader, into, position))
    await reader.read(into, position);
  check(k, position, into);
  if (random(3) > 0) continue;
  open.delete(k);
  await reader.close();
}
for (const reader of open.values()) await reader.close();
if (forecast !== 'each') await cache.close();
writeSync(1, `taken ${taken}\n`);
