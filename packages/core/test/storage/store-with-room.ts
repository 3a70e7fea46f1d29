import { DataRefError } from '@dataref/core';
import type { ObjectStore } from '../../dist/store/object-store.js';
import { changed } from './stored.js';

/** A store with room for so many bytes: what does not fit is written up to there, and fails. */
export function withRoom(inner: ObjectStore, roomBytes: number): ObjectStore & { usedBytes: number } {
  const take = (key: string, bytes: Uint8Array): Uint8Array => {
    const fits = bytes.subarray(0, Math.max(0, roomBytes - store.usedBytes));
    store.usedBytes += bytes.length;
    if (fits.length < bytes.length) throw new DataRefError('DISK_FULL', `${key}: no room left`);
    return fits;
  };
  const store = {
    ...changed(inner, {
      async put(key, bytes, options) {
        return inner.put(key, take(key, bytes), options);
      },
      async create(key, options) {
        const writer = await inner.create(key, options);
        return {
          async write(bytes) {
            const before = Math.max(0, roomBytes - store.usedBytes);
            try {
              take(key, bytes);
            } finally {
              await writer.write(bytes.subarray(0, before));
            }
          },
          commit: () => writer.commit(),
          abort: () => writer.abort(),
        };
      },
    }),
    usedBytes: 0,
  };
  return store;
}
