import { crc32 } from 'node:zlib';
import { isDataRefError } from '@dataref/core';
import type { ObjectReader, ObjectStore, ObjectWriter } from '@dataref/core/store';
import type { EncodedRows } from '../encode/encode-rows.js';
import { bytesOf } from '../npy/bytes.js';

/** What a part holds: tokens of some units, one after the other. Its own, so that any release may change it: a part outlives no build. */
export interface PartSummary {
  /** Where its first unit comes in the split, and how many it has. */
  readonly firstUnit: number;
  readonly units: number;
  /** Of all their ids, so that a part is not taken for that of others. */
  readonly unitsHash: string;
  readonly rows: number;
  readonly tokens: number;
  /** Of the tokens and the rows' lengths. */
  readonly crc32: number;
}

/** A part that is whole, with the number of tokens of each row. */
export interface Part extends PartSummary {
  readonly key: string;
  readonly lengths: Int32Array;
}

const FOOTER_LENGTH_BYTES = 4;
const FOOTER_LIMIT_BYTES = 4096;
const READ_BYTES = 4 * 2 ** 20;

/** Writes one part: tokens, the rows' lengths, what it holds. Visible, and durable, when it is committed. */
export class PartWriter {
  readonly #key: string;
  readonly #writer: ObjectWriter;
  readonly #lengths: Int32Array[] = [];
  #crc = 0;
  tokens = 0;
  rows = 0;
  byteLength = 0;

  private constructor(key: string, writer: ObjectWriter) {
    this.#key = key;
    this.#writer = writer;
  }

  static async create(store: ObjectStore, key: string, signal: AbortSignal | undefined): Promise<PartWriter> {
    return new PartWriter(key, await store.create(key, { signal }));
  }

  async add({ tokens, lengths }: EncodedRows): Promise<void> {
    this.tokens += tokens.length;
    this.rows += lengths.length;
    this.#lengths.push(lengths);
    if (tokens.length > 0) await this.#write(bytesOf(tokens));
  }

  async commit(units: Pick<PartSummary, 'firstUnit' | 'units' | 'unitsHash'>): Promise<Part> {
    const lengths = new Int32Array(this.rows);
    let at = 0;
    for (const some of this.#lengths) {
      lengths.set(some, at);
      at += some.length;
    }
    await this.#write(bytesOf(lengths));
    const summary: PartSummary = { ...units, rows: this.rows, tokens: this.tokens, crc32: this.#crc };
    const footer = new TextEncoder().encode(JSON.stringify(summary));
    await this.#writer.write(footer);
    await this.#writer.write(bytesOf(Uint32Array.of(footer.length)));
    await this.#writer.commit();
    return { ...summary, key: this.#key, lengths };
  }

  abort(): Promise<void> {
    return this.#writer.abort();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#crc = crc32(bytes, this.#crc);
    this.byteLength += bytes.length;
    await this.#writer.write(bytes);
  }
}

/** Reads a part that an earlier run left, every byte of it. @returns undefined where there is none, or it is damaged */
export async function readPart(
  store: ObjectStore,
  key: string,
  tokenBytes: number,
  signal: AbortSignal | undefined,
): Promise<Part | undefined> {
  const reader = await store.open(key, { signal });
  if (reader === undefined) return undefined;
  try {
    const summary = await readSummary(reader, signal);
    if (summary === undefined) return undefined;
    const dataBytes = summary.tokens * tokenBytes + summary.rows * Int32Array.BYTES_PER_ELEMENT;
    let crc = 0;
    for (let at = 0; at < dataBytes; at += READ_BYTES) {
      const block = new Uint8Array(Math.min(READ_BYTES, dataBytes - at));
      await reader.read(block, at, { signal });
      crc = crc32(block, crc);
    }
    if (crc !== summary.crc32) return undefined;
    const lengths = new Int32Array(summary.rows);
    await reader.read(bytesOf(lengths), summary.tokens * tokenBytes, { signal });
    return { ...summary, key, lengths };
  } catch (error) {
    if (isDataRefError(error, 'CORRUPT')) return undefined;
    throw error;
  } finally {
    await reader.close();
  }
}

async function readSummary(reader: ObjectReader, signal: AbortSignal | undefined): Promise<PartSummary | undefined> {
  const length = new Uint32Array(1);
  const end = reader.byteLength - FOOTER_LENGTH_BYTES;
  if (end < 0) return undefined;
  await reader.read(bytesOf(length), end, { signal });
  const [footerBytes = 0] = length;
  if (footerBytes > FOOTER_LIMIT_BYTES || footerBytes > end) return undefined;
  const footer = new Uint8Array(footerBytes);
  await reader.read(footer, end - footerBytes, { signal });
  try {
    return JSON.parse(new TextDecoder().decode(footer)) as PartSummary;
  } catch {
    return undefined;
  }
}
