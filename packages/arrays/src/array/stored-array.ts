import { DataRefError, type ArrayTypes, type NDArray, type NumericDType } from '@dataref/core';
import {
  arrayType,
  eachAtOnce,
  endedByAbort,
  ioOptionsOf,
  refuseUnknown,
  REQUESTS_AT_ONCE,
} from '@dataref/core/adapter';
import type { IoOptions, ObjectStore } from '@dataref/core/store';
import type { ChunkReadOptions, ChunkSource } from '../chunks/chunk-source.js';
import { ShardedChunks } from '../chunks/sharded-chunks.js';
import { StoredChunks } from '../chunks/stored-chunks.js';
import { changeArray } from '../metadata/array-file.js';
import type { ArrayMetadata } from '../metadata/array-metadata.js';
import { sizeOf } from '../metadata/limits.js';
import { planWrite, readSelection } from '../selection/copy.js';
import { chunkParts } from '../selection/grid.js';
import { describeShape } from '../selection/describe.js';
import { resolveSelection, type ResolvedSelection } from '../selection/resolve.js';
import { slice, type Index } from '../selection/slice.js';
import { resolveValue, type ArrayValue, type BroadcastValue } from '../values/value.js';
import { Generation, type Look } from './generation.js';
import { RecordShapes } from './record-shapes.js';
import { atLeast, lengthenedBy, newShape, reshape } from './resizing.js';
import { appendedLength } from './appended-length.js';
import type { ChunkedArray, Selected, SetOptions } from './types.js';

/** Memory for chunks that one call reads or writes at once, unless a single one is larger. */
const CHUNKS_AT_ONCE_BYTES = 256 * 2 ** 20;

/** A ChunkedArray in a store. */
export class StoredArray<D extends NumericDType = NumericDType, S extends readonly number[] = readonly number[]>
  implements ChunkedArray<D, S>, ChunkSource<D>
{
  readonly name: string;
  readonly #store: ObjectStore;
  readonly #folder: string;
  readonly #chunks: StoredChunks<D> | ShardedChunks<D>;
  readonly #shapes: RecordShapes | undefined;
  readonly #generation: Generation;
  #metadata: ArrayMetadata;

  /**
   * @param shapes of its records, where each has its own
   * @param look at the description, from before it was read
   */
  constructor(
    store: ObjectStore,
    name: string,
    folder: string,
    metadata: ArrayMetadata,
    shapes: StoredArray<'int32'> | undefined,
    look: Look,
  ) {
    this.#store = store;
    this.name = name;
    this.#folder = folder;
    this.#metadata = metadata;
    this.#shapes = shapes && new RecordShapes(shapes);
    this.#generation = new Generation(store, folder, name, metadata, look);
    const { shard } = metadata;
    this.#chunks =
      shard === undefined
        ? new StoredChunks(store, folder, metadata)
        : new ShardedChunks(store, folder, metadata, shard);
  }

  isIn(store: ObjectStore): boolean {
    return this.#store === store;
  }

  get dtype(): D {
    return this.#metadata.dtype as D;
  }

  get shape(): S {
    return this.#metadata.shape as unknown as S;
  }

  get chunk(): readonly number[] {
    return this.#metadata.chunk;
  }

  /** What is not written, as the dtype's array holds it. */
  get fill(): ArrayTypes[D][number] {
    return this.#metadata.fill;
  }

  get shapes(): StoredArray<'int32'> | undefined {
    return this.#shapes?.array;
  }

  readChunk(place: readonly number[], options?: ChunkReadOptions): Promise<ArrayTypes[D] | undefined> {
    return this.#chunks.read(place, options);
  }

  /** How many axes number the records, where each has a shape of its own. */
  get recordAxes(): number | undefined {
    return this.#metadata.own.recordAxes;
  }

  /** Changes with the description: whoever replaces, lengthens or cuts the array gives it another. */
  get revision(): string {
    return this.#metadata.own.revision ?? JSON.stringify(this.#metadata.document);
  }

  /**
   * Rows start to end − 1 of the first axis, whole, in C order.
   * @throws DataRefError OUT_OF_RANGE where they were cut off; GENERATION_GONE where that, or more, was done elsewhere
   */
  async readRows(start: number, end: number, signal: AbortSignal): Promise<ArrayTypes[D]> {
    const length = this.shape[0] as number;
    if (end > length)
      throw new DataRefError(
        'OUT_OF_RANGE',
        `${this.name} has ${length} rows now, and row ${end - 1} was asked for: it was cut; open the dataset anew`,
        { details: { name: this.name, length } },
      );
    return this.#generation.whileThere(() => this.#rows(start, end, signal), { signal });
  }

  async #rows(start: number, end: number, signal: AbortSignal): Promise<ArrayTypes[D]> {
    const [rows, ...rest] = this.chunk;
    const isWhole = rest.every((size, d) => size === this.shape[d + 1]);
    if (isWhole && start % (rows as number) === 0 && end - start <= (rows as number)) {
      const place = this.chunk.map((_, d) => (d === 0 ? start / (rows as number) : 0));
      const values = await this.readChunk(place, { signal });
      if (values !== undefined) return values.subarray(0, (end - start) * sizeOf(rest)) as ArrayTypes[D];
    }
    let isAllThere = true;
    const { dtype, shape, chunk } = this;
    const readChunk: ChunkSource<D>['readChunk'] = async (place, options) => {
      const values = await this.readChunk(place, options);
      isAllThere &&= values !== undefined;
      return values;
    };
    const selection = resolveSelection('stream', this.shape, [slice(start, end)]);
    const fill = this.#metadata.fill as ArrayTypes[D][number];
    const source = { dtype, shape, chunk, readChunk };
    const read = await readSelection<D>(source, selection, { parallel: this.#chunksAtOnce, signal, fill });
    // What was never written is no chunk; nor is what was removed since, which is no reason to take it for zeros.
    if (!isAllThere) await this.#generation.check({ signal }, end);
    return (read as NDArray<D>).data;
  }

  async get<const I extends readonly Index[]>(selection: I, options: IoOptions = {}): Promise<Selected<D, S, I>> {
    const { signal, ...unknown } = ioOptionsOf('get', options);
    refuseUnknown('get', unknown, ['signal']);
    const read = async (): Promise<Selected<D, S, I>> => {
      const resolved = await this.#resolve('get', selection, { signal });
      const result = await readSelection<D>(this, resolved, { parallel: this.#chunksAtOnce, signal, fill: this.fill });
      return result as Selected<D, S, I>;
    };
    return endedByAbort(signal, () => this.#generation.whileThere(read, { signal }));
  }

  async set(selection: readonly Index[], value: ArrayValue<D>, options: SetOptions = {}): Promise<void> {
    const { signal, cast, ...unknown } = ioOptionsOf('set', options);
    refuseUnknown('set', unknown, ['signal', 'cast']);
    const chunks = this.#writable('set');
    await endedByAbort(signal, async () => {
      const resolved = await this.#resolve('set', selection, { signal });
      await this.#write(chunks, resolved, resolveValue('set', this.dtype, resolved, value, { cast }), { signal });
    });
  }

  async resize(shape: number | readonly number[], options: IoOptions = {}): Promise<void> {
    const { signal, ...unknown } = ioOptionsOf('resize', options);
    refuseUnknown('resize', unknown, ['signal']);
    const chunks = this.#writable('resize');
    const sizes = newShape('resize', shape, this.#metadata);
    await endedByAbort(signal, async () => {
      if (this.#shapes !== undefined) {
        await this.#generation.check({ signal });
        await this.#shapes.resize(sizes, { signal });
      }
      this.#metadata = await reshape(this.#store, this.#folder, this.#generation, chunks, () => sizes, { signal });
    });
  }

  async append(values: ArrayValue<D>, options: SetOptions = {}): Promise<number> {
    const { signal, cast, ...unknown } = ioOptionsOf('append', options);
    refuseUnknown('append', unknown, ['signal', 'cast']);
    const chunks = this.#writable('append');
    const [, ...rest] = this.shape;
    const count = appendedLength(values, this.shape);
    const added = { shape: [count, ...rest], text: `${count} more places of the first axis` };
    const value = resolveValue('append', this.dtype, added, values, { cast });
    return endedByAbort(signal, async () => {
      this.#metadata = await reshape(
        this.#store,
        this.#folder,
        this.#generation,
        chunks,
        lengthenedBy(this.dtype, count),
        { signal },
      );
      const end = this.shape[0] as number;
      const start = end - count;
      await this.#shapes?.reach(end, { signal });
      await this.#write(chunks, resolveSelection('append', this.shape, [slice(start, end)]), value, { signal });
      return start;
    });
  }

  /** Says that all values of an array that was made unfinished are there. */
  async finish(options: IoOptions): Promise<void> {
    this.#metadata = await changeArray(
      this.#store,
      this.#folder,
      (now) => {
        if (!this.#generation.isOf(now)) throw this.#generation.gone();
        const { isUnfinished: _, ...own } = now.own;
        return { shape: now.shape, own };
      },
      options,
    );
  }

  /** Lengthens the first axis to what it is to be at least. */
  async reach(length: number, options: IoOptions): Promise<void> {
    const chunks = this.#writable('append');
    this.#metadata = await reshape(this.#store, this.#folder, this.#generation, chunks, atLeast(length), options);
  }

  async shapeOf(record: number | readonly number[], options: IoOptions = {}): Promise<readonly number[]> {
    const { signal, ...unknown } = ioOptionsOf('shapeOf', options);
    refuseUnknown('shapeOf', unknown, ['signal']);
    const records = this.#metadata.own.recordAxes ?? 1;
    const place = typeof record === 'number' ? [record] : record;
    const { axes } = resolveSelection('shapeOf', this.shape.slice(0, records), place);
    if (!axes.every(({ isSqueezed }) => isSqueezed))
      throw new DataRefError('INVALID_ARGUMENT', `shapeOf: a record of ${this.name} is named by ${records} integers`);
    return endedByAbort(signal, async () => {
      const full = this.shape.slice(records);
      return this.#shapes === undefined ? full : this.#shapes.largest(axes, full, { signal });
    });
  }

  /** The selection over the shape that the records selected have. */
  async #resolve(what: string, selection: readonly Index[], options: IoOptions): Promise<ResolvedSelection> {
    const resolved = resolveSelection(what, this.shape, selection);
    const { recordAxes } = this.#metadata.own;
    if (this.#shapes === undefined || recordAxes === undefined) return resolved;
    const records = resolved.axes.slice(0, recordAxes);
    const sizes = await this.#shapes.largest(records, this.shape.slice(recordAxes), options);
    return resolveSelection(what, [...this.shape.slice(0, recordAxes), ...sizes], selection);
  }

  async #write(
    chunks: StoredChunks<D>,
    selection: ResolvedSelection,
    value: BroadcastValue<D>,
    { signal }: IoOptions,
  ): Promise<void> {
    if (this.#generation.isInDoubt) await this.#generation.check({ signal });
    await eachAtOnce(
      planWrite<D>(this, selection, value, { fill: this.fill }),
      this.#chunksAtOnce,
      async ({ place, isWhole, apply }) => {
        if (!isWhole) await chunks.update(place, apply, { signal });
        // Beyond the shape that is known here, others may have lengthened the array, and written to the same chunk.
        else if (this.#reachesBeyond(place)) await chunks.writeNew(place, apply, { signal });
        else await chunks.write(place, apply(undefined), { signal });
      },
      signal,
    );
    await this.#generation.checkWritten({ signal }, () =>
      eachAtOnce(chunkParts(this, selection), REQUESTS_AT_ONCE, ({ place }) => chunks.remove(place)),
    );
  }

  #reachesBeyond(place: readonly number[]): boolean {
    return this.chunk.some((size, d) => ((place[d] as number) + 1) * size > (this.shape[d] as number));
  }

  get #chunksAtOnce(): number {
    const bytes = sizeOf(this.chunk) * arrayType(this.dtype).BYTES_PER_ELEMENT;
    return Math.max(1, Math.min(REQUESTS_AT_ONCE, Math.floor(CHUNKS_AT_ONCE_BYTES / bytes)));
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    const { name, dtype, shape, chunk } = this;
    return `ChunkedArray ${name} · ${dtype}${describeShape(shape)} in chunks of ${describeShape(chunk)}`;
  }

  #writable(what: string): StoredChunks<D> {
    if (this.#chunks instanceof StoredChunks) return this.#chunks;
    throw new DataRefError(
      'UNSUPPORTED',
      `${what}: ${this.name} has shards, which can be read only; copy it into a new array`,
      {
        details: { name: this.name },
      },
    );
  }
}
