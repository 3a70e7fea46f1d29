import { crc32 } from '../checksum/crc32.js';
import { isWide } from '../checksum/row-checksums.js';
import { DataRefError, isDataRefError, shown } from '../errors.js';
import { checkShapes, type PartHead } from '../format/head.js';
import { hasShapes } from '../format/layout.js';
import { locateRows, planFixed, planVariable, type LocatedRows, type PlannedRead } from '../format/plan.js';
import { lazyModule } from '../lazy-module.js';
import { inNextTurn } from '../next-turn.js';
import {
  elementBits,
  allocateElements,
  allocateFresh,
  type Allocate,
  type ColumnData,
  type ElementArray,
} from '../schema/column-data.js';
import { bytesOf } from '../schema/dtypes.js';
import type { Leaf } from '../schema/schema.js';
import type { ByteRange, ObjectReader } from '../store/object-store.js';
import { withOwnSignal } from '../or-abort.js';
import { convertColumn } from './convert.js';
import { MAX_READS } from './read-again.js';
import type { ColumnRequest, IndexArray, ReadRequest } from './row-source.js';
import type { StoredParts } from './stored-parts.js';

/** The event loop waits for reads in the main thread no longer than this at a time. */
const SLICE_MS = 2;

const loadGroupedRead = lazyModule('what reads in groups', () => import('./grouped-read.js'));

/** Reads rows from their places in the files: nothing but heads is kept in memory. */
export function readByPosition(
  parts: StoredParts,
  indices: IndexArray,
  request: ReadRequest,
  verify: boolean,
): Promise<ColumnData[]> {
  const readRows = (some: IndexArray, wanted: ReadRequest) => readColumns(parts, some, wanted, verify);
  const read = async (): Promise<ColumnData[]> => {
    if (parts.keepsHeads || !verify) return readRows(indices, request);
    const { readInGroups } = await loadGroupedRead();
    return readInGroups(parts, indices, request, readRows);
  };
  const readRight = (times: number): Promise<ColumnData[]> =>
    read().catch(async (error: unknown) => {
      if (times === MAX_READS || !isDataRefError(error, 'CORRUPT')) throw error;
      if (!(await parts.recheck(locateRows(parts.table, indices).distinct))) throw error;
      return readRight(times + 1);
    });
  return parts.during(() => readRight(1));
}

async function readColumns(
  parts: StoredParts,
  indices: IndexArray,
  request: ReadRequest,
  verify: boolean,
): Promise<ColumnData[]> {
  const located = locateRows(parts.table, indices);
  // What is small has no checksum of its own: where it is not to be trusted, the whole head is read, which has one.
  const usesHeads = parts.keepsHeads || verify;
  const needsFiles = request.columns.some(({ leaf }) => !usesHeads || isWide(parts.leaves[leaf] as Leaf));
  // Opened before anything is allocated: then every file is as large as the manifest says.
  const opening = openFiles(parts, needsFiles ? located.distinct : []);
  const loading = usesHeads ? loadHeads(parts, located.distinct, request.signal) : undefined;
  await allDone<unknown>([opening, loading]);
  const [files, heads] = [await opening, await loading];
  const context: Context = { parts, indices, located, files, heads, signal: request.signal, verify };
  const read = ({ leaf: place, to }: ColumnRequest): Promise<ColumnData> =>
    to === undefined
      ? readColumn(context, place, request.allocate)
      : readColumn(context, place, allocateFresh).then((column) =>
          convertColumn(column, to, request.allocate, (row) => indices[row] as number),
        );
  // From afar all columns at once: their ranges wait for the network together.
  if (parts.isFar) return allDone(request.columns.map(read));
  const columns: ColumnData[] = [];
  for (const column of request.columns) columns.push(await read(column));
  return columns;
}

/** What all promises give; none goes on when the failure of another is told, and may still write into arrays. */
async function allDone<T>(promises: readonly (T | Promise<T>)[]): Promise<T[]> {
  const results = await Promise.allSettled(promises);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

interface Context {
  readonly parts: StoredParts;
  readonly indices: IndexArray;
  readonly located: LocatedRows;
  /** The open Arrow files of the parts that rows lie in. */
  readonly files: OpenFiles;
  /** Their heads; undefined where what is small is read from the files. */
  readonly heads: Heads | undefined;
  readonly signal: AbortSignal | undefined;
  readonly verify: boolean;
}

async function readColumn(context: Context, place: number, allocate: Allocate): Promise<ColumnData> {
  const { parts, located, heads } = context;
  const leaf = parts.leaves[place] as Leaf;
  if (leaf.kind !== 'fixed') return readVariable(context, place, leaf, allocate);
  const data = allocateElements(leaf, located.count * leaf.size, allocate);
  const column: ColumnData = { leaf, length: located.count, data };
  if (leaf.recordBytes === 0) return column;
  if (heads !== undefined && !isWide(leaf)) {
    copyFromHeads(heads, located, place, leaf, data);
    return column;
  }
  const reads = planFixed(located, leaf.recordBytes, (part) => parts.bufferStart(part, place, 'values'));
  await execute(context, reads, bytesOf(data));
  if (context.verify && isWide(leaf)) await verifyRows(context, place, column, reads);
  return column;
}

function copyFromHeads(heads: Heads, located: LocatedRows, place: number, leaf: Leaf, out: ElementArray): void {
  const { size } = leaf;
  const to = elementBits(leaf, out);
  let last: ElementArray | undefined;
  let from = to;
  for (let i = 0; i < located.count; i++) {
    const { data } = headOf(heads, located, i).columns[place] as ColumnData;
    if (data !== last) from = elementBits(leaf, data);
    last = data;
    const row = located.rows[i] as number;
    if (size === 1) to[i] = from[row] as never;
    else out.set(data.subarray(row * size, (row + 1) * size) as never, i * size);
  }
}

async function readVariable(context: Context, place: number, leaf: Leaf, allocate: Allocate): Promise<ColumnData> {
  const { parts, located, heads } = context;
  const { count } = located;
  const starts = new Float64Array(count);
  const offsets = new Float64Array(count + 1);
  const small = heads === undefined ? await readPairs(context, place) : undefined;
  for (let i = 0; i < count; i++) {
    const from = small ?? (headOf(heads as Heads, located, i).columns[place] as ColumnData).offsets ?? offsets;
    const at = small === undefined ? (located.rows[i] as number) : 2 * i;
    starts[i] = from[at] as number;
    offsets[i + 1] = (offsets[i] as number) + (from[at + 1] as number) - (from[at] as number);
  }
  const data = allocateElements(leaf, offsets[count] as number, allocate);
  const shapes = hasShapes(leaf) ? await readShapes(context, place, leaf) : undefined;
  if (shapes !== undefined && heads === undefined) checkShapes(shapes, { leaf, offsets }, parts.name);
  const reads = planVariable(located, leaf.elementBytes, starts, offsets, (part) =>
    parts.bufferStart(part, place, 'values'),
  );
  await execute(context, reads, bytesOf(data));
  const column = { leaf, length: count, data, offsets, shapes };
  if (context.verify) await verifyRows(context, place, column, reads);
  return column;
}

/** Start and end of each row, read from the file itself. @throws DataRefError CORRUPT for one that cannot be */
async function readPairs(context: Context, place: number): Promise<Uint32Array> {
  const { parts, located } = context;
  const pairs = new Uint32Array(located.count * 2);
  const reads = Array.from({ length: located.count }, (_, i): PlannedRead => {
    const part = located.parts[i] as number;
    const position = parts.bufferStart(part, place, 'offsets') + 4 * (located.rows[i] as number);
    return { part, position, byteLength: 8, target: 8 * i };
  });
  await execute(context, reads, bytesOf(pairs));
  for (let i = 0; i < located.count; i++) {
    const values = parts.body(located.parts[i] as number).find(({ leaf, role }) => leaf === place && role === 'values');
    const end = (values?.byteLength ?? 0) / (parts.leaves[place] as Leaf).elementBytes;
    if ((pairs[2 * i] as number) > (pairs[2 * i + 1] as number) || (pairs[2 * i + 1] as number) > end)
      throw corruptRow(context, place, i);
  }
  return pairs;
}

async function readShapes(context: Context, place: number, leaf: Leaf): Promise<Int32Array> {
  const { parts, located, heads } = context;
  const rank = leaf.shape.length;
  const shapes = new Int32Array(located.count * rank);
  if (heads !== undefined) {
    for (let i = 0; i < located.count; i++) {
      const row = located.rows[i] as number;
      const head = headOf(heads, located, i).columns[place] as ColumnData;
      shapes.set((head.shapes as Int32Array).subarray(row * rank, (row + 1) * rank), i * rank);
    }
  } else {
    await execute(
      context,
      planFixed(located, 4 * rank, (part) => parts.bufferStart(part, place, 'shape')),
      bytesOf(shapes),
    );
  }
  return shapes;
}

/** Carries out a plan: in the main thread in short slices where the store allows it, else several at once. */
async function execute(context: Context, reads: readonly PlannedRead[], out: Uint8Array): Promise<void> {
  const far = new Map<ObjectReader, ByteRange[]>();
  let sliceEnd = performance.now() + SLICE_MS;
  for (const { part, position, byteLength, target } of reads) {
    const file = context.files.get(part) as ObjectReader;
    const into = out.subarray(target, target + byteLength);
    if (file.readSync === undefined) {
      const ranges = far.get(file);
      if (ranges === undefined) far.set(file, [{ into, position }]);
      else ranges.push({ into, position });
      continue;
    }
    file.readSync(into, position);
    if (performance.now() < sliceEnd) continue;
    await new Promise<void>(inNextTurn);
    sliceEnd = performance.now() + SLICE_MS;
    context.signal?.throwIfAborted();
  }
  if (far.size === 0) return;
  const read = ([file, ranges]: [ObjectReader, ByteRange[]]): Promise<void> =>
    withOwnSignal(context.signal, (signal) => file.readRanges(ranges, { signal }));
  await allDone(Array.from(far, read));
}

type OpenFiles = ReadonlyMap<number, ObjectReader>;

/** The Arrow files of parts by their number, at once where all are open; those that are not are opened all at once. */
function openFiles(parts: StoredParts, numbers: readonly number[]): OpenFiles | Promise<OpenFiles> {
  const files = new Map<number, ObjectReader>();
  const missing: Promise<unknown>[] = [];
  for (const number of numbers) {
    const open = parts.fileNow(number, 'arrow');
    if (open !== undefined) files.set(number, open);
    else missing.push(parts.file(number, 'arrow').then((opened) => files.set(number, opened)));
  }
  return missing.length === 0 ? files : Promise.all(missing).then(() => files);
}

type Heads = ReadonlyMap<number, PartHead>;

/** The heads of parts by their number, at once where all are in memory. */
function loadHeads(
  parts: StoredParts,
  numbers: readonly number[],
  signal: AbortSignal | undefined,
): Heads | Promise<Heads> {
  const missing = parts.keepsHeads ? numbers.filter((number) => !parts.heads.has(number)) : numbers;
  if (missing.length === 0) return parts.heads;
  const loaded = allDone(missing.map((number) => parts.head(number, signal)));
  if (parts.keepsHeads) return loaded.then(() => parts.heads);
  return loaded.then((heads) => new Map(missing.map((number, i) => [number, heads[i] as PartHead]))); // others may go
}

function headOf(heads: Heads, located: LocatedRows, i: number): PartHead {
  return heads.get(located.parts[i] as number) as PartHead;
}

/** Holds rows against their checksums. Those from afar that differ are read again: bytes may be changed on their way. */
async function verifyRows(
  context: Context,
  place: number,
  column: ColumnData,
  reads: readonly PlannedRead[],
): Promise<void> {
  let damaged = damagedRows(context, place, column);
  for (let times = 1; damaged.length > 0; times++) {
    const again = reads.filter(({ target, byteLength }) =>
      damaged.some(({ start, end }) => target < end && start < target + byteLength),
    );
    const isFar = again.some(({ part }) => context.parts.fileNow(part, 'arrow')?.readSync === undefined);
    if (times === MAX_READS || !isFar) throw corruptRow(context, place, damaged[0]?.row as number);
    await execute(context, again, bytesOf(column.data));
    damaged = damagedRows(context, place, column);
  }
}

/** Rows whose checksums differ, and where their bytes are in the column. */
function damagedRows(
  { located, heads }: Context,
  place: number,
  column: ColumnData,
): { readonly row: number; readonly start: number; readonly end: number }[] {
  const { leaf, offsets } = column;
  const bytes = bytesOf(column.data);
  const damaged: { row: number; start: number; end: number }[] = [];
  for (let row = 0; row < located.count; row++) {
    const start = offsets === undefined ? row * leaf.recordBytes : (offsets[row] as number) * leaf.elementBytes;
    const end = offsets === undefined ? start + leaf.recordBytes : (offsets[row + 1] as number) * leaf.elementBytes;
    const sums = headOf(heads as Heads, located, row).checksums[place] as Uint32Array;
    if (crc32(bytes.subarray(start, end)) !== sums[located.rows[row] as number]) damaged.push({ row, start, end });
  }
  return damaged;
}

function corruptRow({ parts, indices, located }: Context, place: number, row: number): DataRefError {
  const { name } = parts.leaves[place] as Leaf;
  return new DataRefError(
    'CORRUPT',
    `${parts.name}: record ${indices[row]}, column ${shown(name)}: the stored bytes are damaged (part ${located.parts[row]}). Run verify, then submit the dataset again`,
    { details: { index: indices[row], column: name, part: located.parts[row] } },
  );
}
