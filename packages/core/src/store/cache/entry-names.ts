import { createHash } from 'node:crypto';
import type { ExpectedObject } from '../object-store.js';
import { thisProcess } from '../process-identity.js';

/** A copy, or the file that a download writes. `byteLength` is what it may take at most: it is part of the name. */
export interface CacheEntry {
  readonly name: string;
  /** Of which object. */
  readonly id: string;
  readonly byteLength: number;
  /** Who downloads it, as `isRunning` takes it; undefined for a finished copy. */
  readonly owner: unknown;
}

const COPY = /^([0-9a-f]{32})\.(\d{1,16})$/u;
const DOWNLOAD = /^([0-9a-f]{32})\.(\d{1,16})\.[0-9a-f]{16}\.([A-Za-z0-9_-]+)$/u;

/** 32 hexadecimal digits that stand for these bytes in this store: no key reaches a file name. */
export function idOf(store: string, { key, byteLength, crc32 }: ExpectedObject): string {
  return createHash('sha256')
    .update(JSON.stringify([store, key, byteLength, crc32]))
    .digest('hex')
    .slice(0, 32);
}

export function copyName(id: string, byteLength: number): string {
  return `${id}.${byteLength}`;
}

/** @param nonce 16 hexadecimal digits */
export function downloadName(id: string, byteLength: number, nonce: string): string {
  return `${copyName(id, byteLength)}.${nonce}.${ownName()}`;
}

/** What a file name stands for; undefined for one that is not ours. */
export function entryOf(name: string): CacheEntry | undefined {
  const copy = COPY.exec(name);
  if (copy !== null) return { name, id: copy[1] as string, byteLength: Number(copy[2]), owner: undefined };
  const download = DOWNLOAD.exec(name);
  if (download === null) return undefined;
  const [, id, byteLength, owner] = download as unknown as [string, string, string, string];
  return { name, id, byteLength: Number(byteLength), owner: ownerOf(owner) };
}

/** This process as a part of a file name, of at most 160 characters. */
export function ownName(): string {
  const { host, pid, startTicks } = thisProcess();
  return Buffer.from(JSON.stringify([host, pid, startTicks])).toString('base64url');
}

/** Who is named by `ownName`, as `isRunning` takes it; null where nobody is. */
export function ownerOf(name: string): unknown {
  try {
    const [host, pid, startTicks] = JSON.parse(Buffer.from(name, 'base64url').toString()) as unknown[];
    return { host, pid, startTicks };
  } catch {
    return null;
  }
}
