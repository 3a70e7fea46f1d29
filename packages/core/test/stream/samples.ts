import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concat, defineDataRef, field, fromColumns, fromRecords, ndarray, type DataRef } from '@dataref/core';
import * as fc from 'fast-check';
import { FileStore } from '../../dist/store/file-store.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import type { ObjectStore } from '../../dist/store/object-store.js';
import { remote } from '../storage/stored.js';
import { storageOver, storeInParts, type Reading } from './store-in-parts.js';

export const RICH = {
  id: field('float64'),
  image: field('uint8', [2, 3]),
  name: field('string'),
  tokens: field('int32', [null]),
} as const;

/** Record i of the rich samples: one column of each kind, of values that tell which record it is. */
export function richRecord(i: number) {
  return {
    id: i,
    image: ndarray(
      Uint8Array.from({ length: 6 }, (_, k) => i * 7 + k),
      [2, 3],
    ),
    name: `n${i}`,
    tokens: ndarray(
      Int32Array.from({ length: i % 4 }, (_, k) => i - k),
      [i % 4],
    ),
  };
}

const KINDS = [
  'columns', 'records', 'custom', 'concat', 'slice', 'select', 'split', 'resident', 'positional', 'disk', 'far', 'far resident',
] as const; // prettier-ignore

/** A way to a dataset: opening it again gives other objects over the same data, as another process has. */
export interface Sample {
  readonly kind: (typeof KINDS)[number];
  readonly isRich: boolean;
  readonly length: number;
  readonly partRecords: number;
}

export function anySample(maxLength: number): fc.Arbitrary<Sample> {
  return fc.record({
    kind: fc.constantFrom(...KINDS),
    isRich: fc.boolean(),
    length: fc.integer({ min: 1, max: maxLength }),
    partRecords: fc.integer({ min: 1, max: 9 }),
  });
}

/** Whether the sample's records lie in parts, as the order 'parts' needs it. */
export function hasParts({ kind, isRich }: Sample): boolean {
  if (kind === 'custom' || kind === 'split') return false;
  // The other rich ones are made of a DataRef of one's own, which has none.
  return !isRich || !['columns', 'concat', 'slice', 'select'].includes(kind);
}

/** Opens a sample. Its records are 0 to length − 1 in some order of its own. */
export async function openSample(sample: Sample): Promise<DataRef> {
  const { kind, isRich, length } = sample;
  const whole = isRich ? records(length) : bare(length);
  switch (kind) {
    case 'columns':
      return whole;
    case 'records':
      return isRich
        ? fromRecords(
            Array.from({ length }, (_, i) => richRecord(i)),
            { schema: RICH },
          )
        : fromRecords(Array.from({ length }, (_, i) => i));
    case 'custom':
      return isRich
        ? defineDataRef({ length, schema: RICH, fingerprint: `rich ${length}`, read: async (at) => at.map(richRecord) })
        : defineDataRef({ length, schema: field('float64'), fingerprint: `${length}`, read: (at) => [...at] });
    case 'concat': {
      const cut = Math.floor(length / 3);
      const stored = await fetchStored(sample, whole.slice(cut), 'positional');
      return concat(whole.slice(0, cut), stored);
    }
    case 'slice':
      return (isRich ? records(length + 5) : bare(length + 5)).slice(0, length);
    case 'select':
      return isRich ? whole.select('id', 'tokens') : whole;
    case 'split': {
      const { all } = whole.split({ all: 1 }, { seed: 5 });
      return all;
    }
    case 'resident':
    case 'positional':
      return fetchStored(sample, whole, kind);
    case 'far':
      return fetchStored(sample, whole, 'positional');
    case 'far resident':
      return fetchStored(sample, whole, 'resident');
    default:
      return fetchStored(sample, whole, 'positional');
  }
}

const stores = new WeakMap<Sample, ObjectStore>();
const folders: string[] = [];

/** Stores a sample the first time, and opens it every time. */
async function fetchStored(sample: Sample, data: DataRef, reading: Reading): Promise<DataRef> {
  let store = stores.get(sample);
  if (store === undefined) {
    store = sample.kind === 'disk' ? new FileStore(newFolder()) : new MemoryStore();
    stores.set(sample, store);
    await storeInParts(store, data, 'sample', '1', sample.partRecords);
  }
  return storageOver(sample.kind.startsWith('far') ? remote(store) : store, reading).fetch('sample', '1');
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dataref-sample-'));
  folders.push(folder);
  return folder;
}

export function removeSamples(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

function bare(length: number): DataRef {
  return fromColumns(Float64Array.from({ length }, (_, i) => i));
}

function records(length: number): DataRef {
  const all = Array.from({ length }, (_, i) => richRecord(i));
  return defineDataRef({ length, schema: RICH, fingerprint: `rich ${length}`, read: (at) => at.map((i) => all[i]!) });
}
