import { crc32 } from '../checksum/crc32.js';
import { Fingerprint } from '../checksum/fingerprint.js';
import { isWide, rowChecksums } from '../checksum/row-checksums.js';
import { DataRefError } from '../errors.js';
import { partName } from './part-name.js';
import type { ColumnData } from '../schema/column-data.js';
import { leavesOf, type Leaf } from '../schema/schema.js';
import type { Schema } from '../schema/types.js';
import type { IoOptions, ObjectStore } from '../store/object-store.js';
import { encodeArrowPart } from './arrow-part.js';
import { encodeHead } from './head.js';
import { hasHeadFile } from './layout.js';
import type { PartInfo } from './manifest.js';

/** 2^31 − 1 less the padding, which apache-arrow adds in 32 bits. */
const MAX_VALUE_BYTES = 2 ** 31 - 8;

/** Writes blocks of rows as the parts of one generation. */
export class PartWriter {
  readonly #store: ObjectStore;
  readonly #folder: string;
  readonly #schema: Schema;
  readonly #leaves: readonly Leaf[];
  readonly #options: IoOptions;
  readonly #fingerprint: Fingerprint;
  readonly #parts: PartInfo[] = [];
  #byteLength = 0;

  constructor(store: ObjectStore, folder: string, schema: Schema, options: IoOptions) {
    this.#store = store;
    this.#folder = folder;
    this.#schema = schema;
    this.#leaves = leavesOf(schema);
    this.#options = options;
    this.#fingerprint = new Fingerprint(schema);
  }

  get parts(): readonly PartInfo[] {
    return this.#parts;
  }

  /** Of all files written. */
  get byteLength(): number {
    return this.#byteLength;
  }

  get fingerprint(): string {
    return this.#fingerprint.digest();
  }

  /** Writes rows as one part; durable when it resolves. */
  async write(rows: readonly ColumnData[]): Promise<void> {
    const columns = rows.map(compact);
    for (const { leaf, data } of columns) {
      if (data.byteLength > MAX_VALUE_BYTES) {
        throw new DataRefError(
          'OUT_OF_RANGE',
          `column ${leaf.name}: one part would have ${data.byteLength} bytes; a record has at most ${MAX_VALUE_BYTES}`,
        );
      }
    }
    const { chunks, bodyStart } = await encodeArrowPart(this.#schema, columns);
    const key = `${this.#folder}${partName(this.#parts.length)}`;
    const arrow = await this.#writeFile(`${key}.arrow`, chunks);
    const writeHead = async (): Promise<Uint8Array | undefined> => {
      const checksums = columns.map((column) => (isWide(column.leaf) ? rowChecksums(column) : undefined));
      this.#fingerprint.add(columns, checksums);
      if (!hasHeadFile(this.#leaves)) return undefined;
      const head = encodeHead(this.#leaves, columns, checksums);
      await (await this.#writeFile(`${key}.head`, [head])).commit();
      return head;
    };
    // The disk is busy with the rows while their checksums are computed. When one fails, nothing goes on behind its back.
    const [arrowCommitted, headWritten] = await Promise.allSettled([arrow.commit(), writeHead()]);
    if (arrowCommitted.status === 'rejected') throw arrowCommitted.reason;
    if (headWritten.status === 'rejected') throw headWritten.reason;
    const head = headWritten.value;
    const body = head ?? bodyOf(chunks, bodyStart, arrow.byteLength, columns);
    this.#byteLength += arrow.byteLength + (head?.length ?? 0);
    this.#parts.push({
      records: columns[0]?.length ?? 0,
      byteLength: arrow.byteLength,
      crc32: arrow.crc32,
      bodyStart,
      headBytes: body.length,
      headCrc32: crc32(body),
      valueBytes: columns.filter(({ leaf }) => leaf.kind !== 'fixed').map(({ data }) => data.byteLength),
    });
  }

  /** Hands a file's bytes to the store; durable once it is committed. */
  async #writeFile(key: string, chunks: readonly Uint8Array[]): Promise<WrittenFile> {
    const writer = await this.#store.create(key, this.#options);
    const orAbort = async (work: () => Promise<void>): Promise<void> => {
      try {
        await work();
      } catch (error) {
        await writer.abort();
        throw error;
      }
    };
    let byteLength = 0;
    let crc = 0;
    await orAbort(async () => {
      for (const chunk of chunks) {
        const written = writer.write(chunk);
        crc = crc32(chunk, crc); // while the disk is at work
        byteLength += chunk.length;
        await written;
      }
    });
    return { byteLength, crc32: crc, commit: () => orAbort(() => writer.commit()) };
  }
}

interface WrittenFile {
  readonly byteLength: number;
  readonly crc32: number;
  commit(): Promise<void>;
}

/** Variable columns with their values from the first to the last row alone, offsets from 0. The values are not copied. */
function compact(column: ColumnData): ColumnData {
  const { offsets, length, data } = column;
  if (offsets === undefined) return column;
  const first = offsets[0] as number;
  const end = offsets[length] as number;
  if (first === 0 && end === data.length) return column;
  return { ...column, data: data.subarray(first, end), offsets: offsets.map((at) => at - first) };
}

/** The body of a part without wide columns, whose bytes are the head. */
function bodyOf(
  chunks: readonly Uint8Array[],
  bodyStart: number,
  byteLength: number,
  columns: readonly ColumnData[],
): Uint8Array {
  const bodyBytes = columns.reduce((sum, { data }) => sum + Math.ceil(data.byteLength / 8) * 8, 0);
  const body = new Uint8Array(Math.min(bodyBytes, byteLength - bodyStart));
  let start = -bodyStart;
  for (const chunk of chunks) {
    const from = Math.max(0, -start);
    const end = Math.min(chunk.length, body.length - start);
    if (from < end) body.set(chunk.subarray(from, end), start + from);
    start += chunk.length;
  }
  return body;
}
