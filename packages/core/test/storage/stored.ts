import type { Schema } from '@dataref/core';
import { fromRecords } from '@dataref/core';
import { rowsOf } from '../../dist/dataset/make.js';
import { PartWriter } from '../../dist/format/part-writer.js';
import { encodeManifest, type Manifest } from '../../dist/format/manifest.js';
import { StoredParts } from '../../dist/rows/stored-parts.js';
import type { ColumnData } from '../../dist/schema/column-data.js';
import { DatasetStorage } from '../../dist/storage/dataset-storage.js';
// DatasetStorage loads these when they are needed; jest fails where two that share a module are loaded at once.
import '../../dist/storage/cacheable.js';
import '../../dist/storage/vacuum-storage.js';
import '../../dist/storage/lease-watch.js';
import type { LeaseTimes } from '../../dist/storage/lease-record.js';
import { randomBytes } from 'node:crypto';
import { isRunning, thisProcess } from '../../dist/store/process-identity.js';
import { readEach } from '../../dist/store/read-each.js';
import type { ObjectReader, ObjectStore } from '../../dist/store/object-store.js';

const GENERATION = '0123456789abcdef';

/** Columns of records, as they are held in memory. */
export async function columnsOf(schema: Schema, records: readonly never[]) {
  const rows = rowsOf(await fromRecords(records, { schema }));
  return { rows, slice: (start: number, end: number) => rows.slice?.(start, end) as readonly ColumnData[] };
}

/** Stores records as dataset a@1, cut into parts of the given numbers of records. */
export async function storeParts(
  store: ObjectStore,
  schema: Schema,
  records: readonly never[],
  partRecords: readonly number[],
): Promise<Manifest> {
  const { slice } = await columnsOf(schema, records);
  const writer = new PartWriter(store, `a/1/data/${GENERATION}/`, schema, {});
  let start = 0;
  for (const count of partRecords) await writer.write(slice(start, (start += count)));
  const { parts, byteLength, fingerprint } = writer;
  const manifest: Manifest = {
    id: 'a',
    version: '1',
    createdAt: '2024-01-01T00:00:00.000Z',
    schema,
    length: start,
    byteLength,
    fingerprint,
    generation: GENERATION,
    parts,
  };
  await store.put('a/1/dataset.json', encodeManifest(manifest));
  return manifest;
}

export function openParts(store: ObjectStore, manifest: Manifest, keepsHeads: boolean): StoredParts {
  return new StoredParts(store, 'a/1/data/', manifest, keepsHeads ? 2 ** 30 : -1);
}

/** The storage that FileStorage is, over any store. */
export function storageOver(
  store: ObjectStore,
  options: {
    readonly leaseTimes?: LeaseTimes;
    readonly memoryLimitBytes?: number;
    readonly verifyReads?: boolean;
    readonly nonce?: () => string;
    readonly isRunning?: (writer: unknown) => boolean | undefined;
  } = {},
): DatasetStorage {
  const { memoryLimitBytes = 2 ** 28, verifyReads = false, nonce = () => randomBytes(8).toString('hex') } = options;
  return new DatasetStorage({
    store,
    identity: { self: thisProcess, isRunning: options.isRunning ?? isRunning },
    budget: { limitBytes: memoryLimitBytes, isExplicit: true, usedBytes: 0 },
    verifyReads,
    nonce,
    leaseTimes: options.leaseTimes,
  });
}

/** A store with some of its methods replaced. */
export function changed(store: ObjectStore, changes: Partial<ObjectStore>): ObjectStore {
  return {
    description: store.description,
    head: (key, options) => store.head(key, options),
    get: (key, limit, options) => store.get(key, limit, options),
    open: (key, options) => store.open(key, options),
    put: (key, bytes, options) => store.put(key, bytes, options),
    create: (key, options) => store.create(key, options),
    list: (prefix, options) => store.list(prefix, options),
    listFolders: (prefix, options) => store.listFolders(prefix, options),
    delete: (key, options) => store.delete(key, options),
    sweep: (options) => store.sweep(options),
    ...changes,
  };
}

/** A store as a remote one is: its readers answer later, in any order. */
export function remote(store: ObjectStore): ObjectStore {
  return changed(store, {
    async open(key) {
      const reader = await store.open(key);
      if (reader === undefined) return undefined;
      const { byteLength } = reader;
      let turn = 0;
      let closed = false;
      const read = async (into: Uint8Array, position: number): Promise<void> => {
        for (let i = (turn = (turn + 5) % 7); i > 0; i--) await Promise.resolve();
        if (closed) throw new Error('read after close');
        await reader.read(into, position);
        if (closed) throw new Error('closed while it was read');
      };
      return {
        byteLength,
        read,
        readRanges: (ranges, options) => readEach(read, ranges, options),
        close: async () => {
          closed = true;
          await reader.close();
        },
      } satisfies ObjectReader;
    },
  });
}

/** Every key of a store, in order. */
export async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys.sort();
}
