import { open, type FileHandle } from 'node:fs/promises';
import { DataRefError } from '@dataref/core';
import { UNIT_SIZE } from '../unit.js';
import { fileError, readBytes } from './file-bytes.js';
import type { FileCompression } from './file-format.js';

/** Whole lines of a file: those that begin in one stretch of it. */
export interface LineBlock {
  readonly id: string;
  read(): Promise<Buffer>;
}

const NEWLINE = 0x0a;
/** A line may be so long, in bytes. */
const LINE_LIMIT = 256 << 20;

/**
 * A file's lines in stretches of 4 MiB. Those of a plain file are read by position and only when they are asked for;
 * a compressed file is read in turn.
 */
export async function* lineBlocks(
  path: string,
  compression: FileCompression | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<LineBlock> {
  if (compression === undefined) yield* blocksByPosition(path);
  else yield* blocksInTurn(path, readBytes(path, compression, signal));
}

async function* blocksByPosition(path: string): AsyncGenerator<LineBlock> {
  const size = await sizeOf(path);
  for (let start = 0; start < size; start += UNIT_SIZE)
    yield { id: String(start / UNIT_SIZE), read: () => readStretch(path, start, start + UNIT_SIZE) };
}

async function sizeOf(path: string): Promise<number> {
  return withFile(path, async (file) => (await file.stat()).size);
}

async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    return await use(file);
  } catch (error) {
    throw fileError(path, error);
  } finally {
    await file?.close();
  }
}

/** The lines that begin at `start` or after it, before `end`. */
function readStretch(path: string, start: number, end: number): Promise<Buffer> {
  return withFile(path, async (file) => {
    const before = start === 0 ? 0 : 1; // the byte before tells whether a line begins at start
    const bytes = await readAt(file, start - before, end - start + before);
    const first = before === 0 ? 0 : bytes.indexOf(NEWLINE) + 1;
    if ((before === 1 && first === 0) || first === bytes.length) return Buffer.alloc(0);
    const parts = [bytes.subarray(first)];
    let length = bytes.length - first;
    for (let last = parts[0] as Buffer, at = end; last.at(-1) !== NEWLINE; at += last.length) {
      const more = await readAt(file, at, 64 << 10);
      if (more.length === 0) break;
      const newline = more.indexOf(NEWLINE);
      last = newline < 0 ? more : more.subarray(0, newline + 1);
      parts.push(last);
      length += last.length;
      refuseLong(path, length - UNIT_SIZE);
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, length);
  });
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

async function* blocksInTurn(path: string, bytes: AsyncIterable<Buffer>): AsyncGenerator<LineBlock> {
  let waiting: Buffer[] = [];
  let length = 0;
  let count = 0;
  for await (const chunk of bytes) {
    const end = length + chunk.length < UNIT_SIZE ? -1 : chunk.lastIndexOf(NEWLINE);
    if (end < 0) {
      waiting.push(chunk);
      length += chunk.length;
      refuseLong(path, length);
      continue;
    }
    yield blockOf(count++, [...waiting, chunk.subarray(0, end + 1)]);
    waiting = [chunk.subarray(end + 1)];
    length = chunk.length - end - 1;
  }
  if (length > 0) yield blockOf(count, waiting);
}

function blockOf(index: number, parts: readonly Buffer[]): LineBlock {
  const bytes = Buffer.concat(parts);
  return { id: String(index), read: async () => bytes };
}

function refuseLong(path: string, length: number): void {
  if (length > LINE_LIMIT)
    throw new DataRefError(
      'MEMORY_LIMIT',
      `${path}: has a line of more than ${LINE_LIMIT} bytes; break it into lines`,
      {
        details: { file: path, limitBytes: LINE_LIMIT },
      },
    );
}
