import { DataRefError, invalidArgument } from '../errors.js';
import { lazyModule } from '../lazy-module.js';
import { openOrder, type Order } from '../order/order.js';
import { MIN_FEISTEL_LENGTH } from '../order/permutation.js';
import { chosenFrom, ChosenRows, SelectedRows, slicedRows } from '../rows/derived-rows.js';
import { allColumns, indexArray, type IndexArray, type RowSource } from '../rows/row-source.js';
import { allocateFresh, valueAt, type ColumnData } from '../schema/column-data.js';
import { isGone } from '../schema/dtypes.js';
import { describeValue, GONE } from '../schema/ndarray.js';
import { presentColumn } from '../schema/present.js';
import { describeSchema, isField, leavesOf } from '../schema/schema.js';
import { assemble } from '../schema/structure.js';
import type { Schema } from '../schema/types.js';
import type { IoOptions } from '../store/object-store.js';
import { countOf, ioOptionsOf, optionsOf, refuseUnknown } from '../arguments.js';
import { reporter, withLastReport } from '../progress.js';
import { startStream, streamRows } from '../stream/record-stream.js';
import { parseState, sourceOf, type StreamState } from '../stream/state.js';
import { checkStreamOptions } from '../stream/stream-options.js';
import type { Rows, Shard, Stream, StreamOptions } from '../stream/types.js';
import type { DataRef, WhereOptions } from './types.js';

const loadWhere = lazyModule('what where looks with', () => import('../rows/where.js'));

/** Every DataRef of ours: a row source with the public methods. */
export class RowDataset implements DataRef {
  /** @internal */
  readonly rows: RowSource;

  constructor(rows: RowSource) {
    this.rows = rows;
  }

  get length(): number {
    return this.rows.length;
  }

  get schema(): any {
    return this.rows.schema;
  }

  get fingerprint(): string {
    return this.rows.fingerprint();
  }

  stream(options?: StreamOptions): Stream {
    return streamRows(this.rows, options);
  }

  resume(state: StreamState, shard?: Shard): Stream {
    const parsed = parseState(state);
    const source = sourceOf(parsed);
    if (source === undefined) {
      throw new DataRefError(
        'STATE_PIPELINE',
        'the state is of several streams joined (mix, zip, concat): build that pipeline, then resume it with the state',
      );
    }
    const { order, numShards, shardFirst } = source;
    const own = order.shardBeforeShuffle;
    const [rank, world] = own ?? [shardFirst?.rank ?? null, numShards];
    const shares = shard ?? (rank === null ? undefined : { shardRank: rank, numShards: world });
    if (shares === undefined && numShards > 1) {
      throw new DataRefError(
        'SHARD_REQUIRED',
        `the state was made by ${numShards} shards: say which share this process has, resume(state, { shardRank, numShards }), or all would read the same; { shardRank: 0, numShards: 1 } reads everything here`,
      );
    }
    const shuffle =
      order.algorithm === 'sequential'
        ? {}
        : {
            shuffle: true,
            shuffleSeed: order.seed,
            shuffleAlgorithm: order.algorithm,
            shuffleWindow: order.window,
            skipShuffleAtEpochEnd: !order.reshuffle,
          };
    const options = {
      ...shuffle,
      ...shares,
      shardBeforeShuffle: own !== null,
      shardFirst: shardFirst !== undefined,
      dropShardRemainder: source.dropShardRemainder === true,
    };
    return startStream(this.rows, checkStreamOptions(options, this.rows), parsed);
  }

  async at(index: number, options?: IoOptions): Promise<any> {
    const place = Number.isInteger(index) && index < 0 ? index + this.length : index;
    this.#checkIndex(place, index);
    const columns = await this.#read([place], ioOptionsOf('at', options));
    return assemble(this.schema, (leaf) => valueAt(columns[leaf] as ColumnData, 0));
  }

  async read(indices: ArrayLike<number>, options?: IoOptions): Promise<Rows> {
    if (typeof indices !== 'object' || !Number.isInteger(indices?.length)) {
      throw invalidArgument(`read needs a list of indices, such as [3, 1, 4], got ${describeValue(indices)}`);
    }
    if (ArrayBuffer.isView(indices) && isGone(indices)) throw invalidArgument(`read: the indices: ${GONE}`);
    for (let i = 0; i < indices.length; i++) this.#checkIndex(indices[i] as number, indices[i] as number);
    const columns = await this.#read(indices, ioOptionsOf('read', options));
    const { schema } = this;
    return {
      length: indices.length,
      columns: assemble(schema, (leaf) => presentColumn(columns[leaf] as ColumnData, false, allocateFresh)),
      records: () => Array.from(indices, (_, i) => assemble(schema, (leaf) => valueAt(columns[leaf] as ColumnData, i))),
    };
  }

  slice(start: number, end: number = this.length): DataRef {
    const first = bound('slice: start', start, this.length);
    return new RowDataset(slicedRows(this.rows, first, Math.max(first, bound('slice: end', end, this.length))));
  }

  select(...columns: readonly string[]): DataRef {
    return new RowDataset(this.#selected('select', columns));
  }

  async where(predicate: (record: any, index: number) => unknown, options: WhereOptions = {}): Promise<DataRef> {
    if (typeof predicate !== 'function') throw invalidArgument(`where needs a function, got ${typeof predicate}`);
    const { columns, signal, onProgress, ...unknown } = ioOptionsOf('where', options);
    refuseUnknown('where', unknown, ['columns', 'signal', 'onProgress']);
    const { matchingIndices, selectedRows } = await loadWhere();
    const looked = columns === undefined ? this.rows : this.#selected('where: columns', columns);
    const indices = await withLastReport(onProgress, (tell) =>
      matchingIndices(looked, predicate, signal, reporter(tell, 'where', this.length, 'records')),
    );
    return new RowDataset(selectedRows(this.rows, indices));
  }

  split(fractions: Readonly<Record<string, number>>, options: { readonly seed: number }): any {
    const { seed: given, ...unknown } = optionsOf('split', options);
    refuseUnknown('split', unknown, ['seed']);
    if (fractions !== undefined && given === undefined)
      throw invalidArgument('split: seed is missing: split({ train: 0.9, test: 0.1 }, { seed: 1 })');
    if (typeof fractions !== 'object' || fractions === null)
      throw invalidArgument(
        `split: fractions must be an object, such as split({ train: 0.9, test: 0.1 }, { seed: 1 }), got ${describeValue(fractions)}`,
      );
    const seed = countOf('split: seed', given, 0);
    let sum = 0;
    const order = openOrder({ algorithm: 'permutation', seed, reshuffle: false }, this.length, 0);
    // A permutation so short is a list; a longer one takes no memory, and is worked out row by row.
    const isListed = this.length < MIN_FEISTEL_LENGTH;
    const parts = Object.entries(fractions).map(([name, fraction]): [string, DataRef] => {
      if (typeof fraction !== 'number' || !(fraction >= 0 && fraction <= 1))
        throw invalidArgument(`split: ${name} is ${describeValue(fraction)}, not a fraction from 0 to 1`);
      const start = Math.min(this.length, Math.round(sum * this.length));
      sum += fraction;
      const end = Math.min(this.length, Math.round(sum * this.length));
      const choose = isListed
        ? chosenFrom(filled(order, start, end), this.length)
        : (places: IndexArray): IndexArray => {
            const chosen = indexArray(places.length, this.length);
            places.forEach((place, i) => order.fill(chosen, i, 1, start + place, 1));
            return chosen;
          };
      return [name, new RowDataset(new ChosenRows(this.rows, end - start, `split ${seed} ${start} ${end}`, choose))];
    });
    if (parts.length === 0 || sum > 1 + 1e-9)
      throw invalidArgument(`split: the fractions together are ${sum}; they must be above 0 and at most 1`);
    return Object.fromEntries(parts);
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    const { id, version, length } = this.rows;
    const name = id === '' ? '' : version === '' ? ` ${id}` : ` ${id}@${version}`;
    return `DataRef${name} · ${length.toLocaleString('en-US')} records · ${describeSchema(this.schema as Schema)}`;
  }

  async #read(indices: ArrayLike<number>, { signal }: IoOptions): Promise<readonly ColumnData[]> {
    signal?.throwIfAborted();
    const wanted = indexArray(indices.length, this.length);
    wanted.set(indices);
    return this.rows.read(wanted, {
      columns: allColumns(leavesOf(this.schema)),
      allocate: allocateFresh,
      signal,
    });
  }

  /** @throws DataRefError INVALID_ARGUMENT for what are no names of columns */
  #selected(what: string, columns: unknown): SelectedRows {
    if (isField(this.schema)) throw invalidArgument(`${what}: the records have no named columns`);
    if (!Array.isArray(columns) || columns.length === 0)
      throw invalidArgument(`${what}: name at least one column, ['a', 'b'], got ${describeValue(columns)}`);
    return new SelectedRows(this.rows, columns as readonly string[], what);
  }

  #checkIndex(place: number, given: number): void {
    if (Number.isInteger(place) && place >= 0 && place < this.length) return;
    const shown = Number.isInteger(given) ? String(given) : `${describeValue(given)}, an index must be an integer`;
    throw new DataRefError('OUT_OF_RANGE', `no record ${shown}: the dataset has ${this.length}`, {
      details: { index: given, length: this.length },
    });
  }
}

function bound(what: string, value: number, length: number): number {
  if (!Number.isInteger(value)) throw invalidArgument(`${what} must be an integer, got ${describeValue(value)}`);
  return Math.min(length, value < 0 ? Math.max(0, value + length) : value);
}

/** Indices that an order has at positions start to end. */
function filled(order: Order, start: number, end: number): IndexArray {
  const indices = indexArray(end - start, order.length);
  order.fill(indices, 0, end - start, start, 1);
  return indices;
}
