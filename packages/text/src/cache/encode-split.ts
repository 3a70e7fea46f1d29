import { createHash } from 'node:crypto';
import { DataRefError, isDataRefError } from '@dataref/core';
import { encodeSegment } from '@dataref/core/adapter';
import type { ObjectStore } from '@dataref/core/store';
import type { Encoder } from '../encode/encoder.js';
import { inOrderOf, rowChunks } from '../encode/row-chunks.js';
import type { TextSplit, TextUnit } from '../source/text-source.js';
import { PartWriter, readPart, type Part } from './part.js';

/**
 * A part ends with the unit that makes it so large, or so large a share of all before it: what a kill costs is little, and
 * there are some hundred parts at most, however much there is.
 */
const PART_BYTES = 64 * 1024;
const PART_SHARE = 1 / 32;

/** Where parts are kept, and what is told of them. */
export interface SplitBuild {
  readonly store: ObjectStore;
  /** Ends in a slash. */
  readonly folder: string;
  readonly encoder: Encoder;
  readonly tokenBytes: number;
  /** Told of rows that are encoded, or were by an earlier run. */
  readonly onRows: (rows: number) => void;
  /** Throws where the build is no longer this one's. */
  readonly check: () => Promise<void>;
  readonly signal: AbortSignal | undefined;
}

/**
 * Encodes a split into parts, in the order of its units, and goes on after those that an earlier run left.
 * @returns its parts in their order
 * @throws DataRefError what the source, the tokenizer and the store throw; a row's failure names the split, the row and the unit
 */
export async function encodeSplit(split: TextSplit, build: SplitBuild): Promise<readonly Part[]> {
  const kept = await keptParts(split, build);
  try {
    return await encodeAfter(kept, split, build);
  } catch (error) {
    if (!(error instanceof OtherUnits)) throw error;
    for (const { key } of kept) await build.store.delete(key, { signal: build.signal });
    return encodeAfter([], split, build);
  }
}

async function encodeAfter(kept: readonly Part[], split: TextSplit, build: SplitBuild): Promise<readonly Part[]> {
  const { store, encoder, signal } = build;
  const parts = [...kept];
  let rowsBefore = parts.reduce((sum, { rows }) => sum + rows, 0);
  let bytesBefore = parts.reduce((sum, { rows, tokens }) => sum + tokens * build.tokenBytes + rows * 4, 0);
  if (rowsBefore > 0) build.onRows(rowsBefore);

  let firstUnit = parts.reduce((sum, { units: count }) => sum + count, 0);
  let units = 0;
  let ids = createHash('sha256');
  let writer: PartWriter | undefined;
  const commit = async (): Promise<void> => {
    if (writer === undefined) return;
    await build.check();
    const part = await writer.commit({ firstUnit, units, unitsHash: ids.digest('hex') });
    bytesBefore += writer.byteLength;
    writer = undefined;
    parts.push(part);
    firstUnit += units;
    units = 0;
    ids = createHash('sha256');
  };
  const chunks = rowChunks(unitsAfter(kept, split.units({ signal })), signal);
  try {
    const encoded = inOrderOf(chunks, encoder.callsAtOnce, async (chunk) => {
      const result = await encoder.encode(chunk.rows, signal).catch((error: unknown) => ({ error }));
      return { chunk, result };
    });
    for await (const { chunk, result } of encoded) {
      signal?.throwIfAborted();
      if ('error' in result) throw rowFailure(result.error, split, chunk.unit, rowsBefore);
      writer ??= await PartWriter.create(store, partKey(build.folder, split, firstUnit), signal);
      await writer.add(result);
      rowsBefore += chunk.rows.length;
      build.onRows(chunk.rows.length);
      if (!chunk.isLast) continue;
      ids.update(JSON.stringify(chunk.unit.id));
      units++;
      if (writer.byteLength >= Math.max(PART_BYTES, bytesBefore * PART_SHARE)) await commit();
    }
    await commit();
    return parts;
  } catch (error) {
    await writer?.abort().catch(() => undefined);
    throw error;
  }
}

/** Parts of an earlier run, from the first unit on, as far as they are whole. */
async function keptParts(
  split: TextSplit,
  { store, folder, tokenBytes, signal }: SplitBuild,
): Promise<readonly Part[]> {
  const parts: Part[] = [];
  for (let firstUnit = 0; ;) {
    const part = await readPart(store, partKey(folder, split, firstUnit), tokenBytes, signal);
    if (part?.firstUnit !== firstUnit || part.units < 1) return parts;
    parts.push(part);
    firstUnit += part.units;
  }
}

/** The parts that were kept are of other units: those of a release that cut the source otherwise. */
class OtherUnits extends Error {}

/** Units after those of the parts. @throws OtherUnits where the parts are of others */
async function* unitsAfter(parts: readonly Part[], units: AsyncIterable<TextUnit>): AsyncGenerator<TextUnit> {
  let place = 0;
  let count = 0;
  let ids = createHash('sha256');
  for await (const unit of units) {
    const part = parts[place];
    if (part === undefined) {
      yield unit;
      continue;
    }
    ids.update(JSON.stringify(unit.id));
    count++;
    if (count < part.units) continue;
    if (ids.digest('hex') !== part.unitsHash) throw new OtherUnits();
    place++;
    count = 0;
    ids = createHash('sha256');
  }
  if (place < parts.length) throw new OtherUnits();
}

function partKey(folder: string, { name }: TextSplit, firstUnit: number): string {
  return `${folder}${encodeSegment(name, 'name')}/${String(firstUnit).padStart(8, '0')}.part`;
}

/** Says which row of the split an error is about, and where that is. */
function rowFailure(error: unknown, { name }: TextSplit, { id, file }: TextUnit, rowsBefore: number): unknown {
  if (!isDataRefError(error) || typeof error.details['row'] !== 'number') return error;
  const row = rowsBefore + error.details['row'];
  return new DataRefError(error.code, `${name}, row ${row} (in ${file ?? id}): ${error.message}`, {
    cause: error,
    details: { ...error.details, split: name, row, unit: id, ...(file !== undefined && { file }) },
  });
}
