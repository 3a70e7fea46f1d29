import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { encodeNpyHeader, type NpyDType } from '../../dist/npy/header.js';

const ARRAY_TYPES = { uint16: Uint16Array, int32: Int32Array, int64: BigInt64Array };

const folders: string[] = [];
afterAll(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

/** A folder that is removed after the tests of the file. */
export async function tokenFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dataref-tokens-'));
  folders.push(folder);
  return folder;
}

/** Writes a `.npy` file. @returns its path */
export async function writeNpy(path: string, dtype: NpyDType, values: readonly number[]): Promise<string> {
  const elements = dtype === 'int64' ? BigInt64Array.from(values, BigInt) : ARRAY_TYPES[dtype].from(values);
  await writeFile(path, Buffer.concat([encodeNpyHeader(dtype, values.length), Buffer.from(elements.buffer)]));
  return path;
}

/** Tokens that tell their place: no two stretches of them are alike. */
export function tokensOf(length: number): number[] {
  return Array.from({ length }, (_, i) => (i * 31 + 7) % 60_000);
}

/** A file of `tokensOf(length)`. */
export async function tokenFile(length: number, dtype: 'uint16' | 'int32' = 'uint16'): Promise<string> {
  return writeNpy(join(await tokenFolder(), 'train.npy'), dtype, tokensOf(length));
}

/** The ways of reading a file. */
export const WAYS = [
  { name: 'from shared memory', useSharedMemory: true },
  { name: 'from memory of its own', useSharedMemory: false },
  { name: 'by position', memoryLimitBytes: 0 },
] as const;
