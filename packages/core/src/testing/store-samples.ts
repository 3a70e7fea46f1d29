import { isDataRefError, type ErrorCode } from '../errors.js';
import type { ObjectStore } from '../store/object-store.js';
import { check, rejectionOf } from './check.js';

/** Objects that the suite reads whole are smaller. */
export const LIMIT = 2 ** 20;

/** A pattern that differs from place to place, and from seed to seed. */
export function bytes(length: number, seed = 1): Uint8Array {
  const made = new Uint8Array(length);
  for (let i = 0; i < length; i++) made[i] = (i * 31 + (i >> 8) + seed * 101) & 255;
  return made;
}

export async function contentOf(store: ObjectStore, key: string): Promise<Uint8Array | undefined> {
  return (await store.get(key, LIMIT))?.bytes;
}

export async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys.toSorted();
}

export async function checkRejects(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  const error = await rejectionOf(promise);
  check(isDataRefError(error, code), `rejects with ${code}, got ${String(error)}`);
}
