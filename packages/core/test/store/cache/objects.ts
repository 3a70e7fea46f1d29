import { expect } from '@jest/globals';
import { crc32 } from 'node:zlib';
import type { ExpectedObject, ObjectReader, ObjectStore } from '../../../dist/store/object-store.js';

/** Bytes that differ from place to place and from seed to seed. */
export function pattern(byteLength: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(byteLength);
  const { imul } = Math; // looking up a global costs a microsecond in a test's realm
  for (let i = 0, state = seed | 1; i < byteLength; i++) {
    state = (imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

export interface StoredBytes extends ExpectedObject {
  readonly bytes: Uint8Array;
}

/** Stores an object, and says what is known of it. */
export async function putObject(store: ObjectStore, key: string, byteLength: number, seed = 1): Promise<StoredBytes> {
  const bytes = pattern(byteLength, seed);
  await store.put(key, bytes);
  return { key, byteLength, crc32: crc32(bytes), bytes };
}

export async function openObject(
  store: ObjectStore,
  { key, byteLength, crc32: sum }: ExpectedObject,
): Promise<ObjectReader> {
  const reader = await store.open(key, { byteLength, crc32: sum });
  if (reader === undefined) throw new Error(`${key} is not there`);
  return reader;
}

/** All of an object, read at once. */
export async function readAll(store: ObjectStore, object: ExpectedObject): Promise<Uint8Array> {
  const reader = await openObject(store, object);
  try {
    const bytes = new Uint8Array(object.byteLength);
    await reader.read(bytes, 0);
    return bytes;
  } finally {
    await reader.close();
  }
}

/** `toEqual` compares large arrays element by element. */
export function expectBytes(got: Uint8Array, expected: Uint8Array): void {
  expect(got.length).toBe(expected.length);
  expect(Buffer.compare(got, expected)).toBe(0);
}
