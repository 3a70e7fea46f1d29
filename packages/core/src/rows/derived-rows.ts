import { describeValue } from '../arguments.js';
import { sha256Text } from '../checksum/fingerprint.js';
import { DataRefError } from '../errors.js';
import { allocateFresh, gatherColumn, type ColumnData } from '../schema/column-data.js';
import { concatColumns } from '../schema/concat-columns.js';
import { describeSchema, leavesOf, sameSchema } from '../schema/schema.js';
import type { Schema, SchemaObject } from '../schema/types.js';
import {
  indexArray,
  type IndexArray,
  type Outlook,
  type ReadRequest,
  type RowRange,
  type RowSource,
} from './row-source.js';

/** Rows of another source chosen by a rule from place to index: slices and splits. */
export class ChosenRows implements RowSource {
  readonly id: string;
  readonly version: string;
  readonly schema: Schema;
  readonly length: number;
  readonly #source: RowSource;
  readonly #rule: string;
  readonly #choose: (places: IndexArray) => IndexArray;
  /** Of the source, where the chosen rows are neighbours in it. */
  readonly #first: number | undefined;

  /**
   * @param rule says how rows are chosen, for the fingerprint
   * @param first the source's row that is chosen first, where the others follow it one by one
   */
  constructor(
    source: RowSource,
    length: number,
    rule: string,
    choose: (places: IndexArray) => IndexArray,
    first?: number,
  ) {
    this.id = source.id;
    this.version = source.version;
    this.schema = source.schema;
    this.length = length;
    this.#source = source;
    this.#rule = rule;
    this.#choose = choose;
    this.#first = first;
  }

  fingerprint(): string {
    return sha256Text(`${this.#rule} of ${this.#source.fingerprint()}`);
  }

  read(indices: IndexArray, request: ReadRequest) {
    return this.#source.read(this.#choose(indices), request);
  }

  partRecords(): readonly number[] | undefined {
    const first = this.#first;
    if (first === undefined) return undefined;
    let start = 0;
    return this.#source.partRecords()?.map((records) => {
      const [piece] = within([{ start, end: (start += records) }], first, first + this.length);
      return piece === undefined ? 0 : piece.end - piece.start;
    });
  }

  farRecordBytes() {
    return this.#source.farRecordBytes?.();
  }

  hold(outlook?: Outlook, reader?: object) {
    return this.#source.hold(outlook && (() => this.#ahead(outlook())), reader);
  }

  *#ahead(ranges: Iterable<RowRange>): Generator<RowRange> {
    const first = this.#first;
    if (first === undefined) yield { start: 0, end: this.#source.length };
    else for (const { start, end } of ranges) yield { start: first + start, end: first + end };
  }
}

/** How rows are chosen that a list of them tells, of a source of `length`. */
export function chosenFrom(indices: IndexArray, length: number): (places: IndexArray) => IndexArray {
  return (places) => {
    const chosen = indexArray(places.length, length);
    for (let i = 0; i < places.length; i++) chosen[i] = indices[places[i] as number] as number;
    return chosen;
  };
}

/** Rows start to end of a source. */
export function slicedRows(source: RowSource, start: number, end: number): RowSource {
  return new ChosenRows(
    source,
    end - start,
    `slice ${start} ${end}`,
    (places) => places.map((place) => place + start),
    start,
  );
}

/** A source with only some of the columns at the top of its records. */
export class SelectedRows implements RowSource {
  readonly id: string;
  readonly version: string;
  readonly schema: Schema;
  readonly length: number;
  readonly #source: RowSource;
  /** For each leaf of ours, its place among the source's. */
  readonly #places: readonly number[];

  /**
   * @param what the call, for errors
   * @throws DataRefError INVALID_ARGUMENT for a name that there is not, with what there is
   */
  constructor(source: RowSource, names: readonly string[], what: string) {
    const whole = source.schema as SchemaObject;
    for (const name of names) {
      if (typeof name !== 'string' || !Object.hasOwn(whole, name)) {
        throw new DataRefError(
          'INVALID_ARGUMENT',
          `${what}: no column ${describeValue(name)} in ${describeSchema(whole)}`,
        );
      }
    }
    this.schema = Object.fromEntries(names.map((name) => [name, whole[name] as Schema]));
    const sourceLeaves = leavesOf(whole);
    this.#places = leavesOf(this.schema).map((leaf) => sourceLeaves.findIndex(({ name }) => name === leaf.name));
    this.id = source.id;
    this.version = source.version;
    this.length = source.length;
    this.#source = source;
  }

  fingerprint(): string {
    return sha256Text(`select ${JSON.stringify(Object.keys(this.schema))} of ${this.#source.fingerprint()}`);
  }

  read(indices: IndexArray, request: ReadRequest) {
    const columns = request.columns.map((column) => ({ ...column, leaf: this.#places[column.leaf] as number }));
    return this.#source.read(indices, { ...request, columns });
  }

  partRecords() {
    return this.#source.partRecords();
  }

  farRecordBytes() {
    return this.#source.farRecordBytes?.();
  }

  hold(outlook?: Outlook, reader?: object) {
    return this.#source.hold(outlook, reader);
  }
}

/** The rows of several sources, one after another. */
export class ConcatenatedRows implements RowSource {
  readonly id = '';
  readonly version = '';
  readonly schema: Schema;
  readonly length: number;
  readonly #sources: readonly RowSource[];
  readonly #starts: readonly number[];

  /** @throws DataRefError SCHEMA_MISMATCH when schemas differ */
  constructor(sources: readonly RowSource[]) {
    const first = sources[0] as RowSource;
    sources.forEach((source, i) => {
      if (sameSchema(source.schema, first.schema)) return;
      throw new DataRefError(
        'SCHEMA_MISMATCH',
        `concat: dataset ${i} has ${describeSchema(source.schema)}, the first has ${describeSchema(first.schema)}`,
      );
    });
    this.schema = first.schema;
    this.#sources = sources;
    let length = 0;
    this.#starts = sources.map((source) => (length += source.length) - source.length);
    this.length = length;
  }

  fingerprint(): string {
    return concatFingerprint(this.#sources.map((source) => source.fingerprint()));
  }

  async read(indices: IndexArray, request: ReadRequest): Promise<readonly ColumnData[]> {
    const rows = this.#sources.map((): number[] => []);
    const owners = Array.from(indices, (index) => {
      const owner = this.#starts.findLastIndex(
        (start, i) => start <= index && (this.#sources[i] as RowSource).length > 0,
      );
      return [owner, (rows[owner] as number[]).push(index - (this.#starts[owner] as number)) - 1] as const;
    });
    const partRequest = { ...request, allocate: allocateFresh };
    const parts = await Promise.all(
      this.#sources.map(async (source, i) => {
        const mine = indexArray((rows[i] as number[]).length, source.length);
        mine.set(rows[i] as number[]);
        // Without any rows the first source still gives the columns.
        return mine.length === 0 && (i > 0 || indices.length > 0) ? undefined : source.read(mine, partRequest);
      }),
    );
    const bases = rows.map((_, i) => rows.slice(0, i).reduce((sum, list) => sum + list.length, 0));
    const places = Uint32Array.from(owners, ([owner, place]) => (bases[owner] as number) + place);
    return request.columns.map((_, c) => {
      const together = concatColumns(parts.flatMap((part) => (part === undefined ? [] : [part[c] as ColumnData])));
      return gatherColumn(together, places, request.allocate);
    });
  }

  partRecords(): readonly number[] | undefined {
    const parts = this.#sources.map((source) => source.partRecords());
    return parts.every((list) => list !== undefined) ? parts.flat() : undefined;
  }

  farRecordBytes(): number | undefined {
    const far = this.#sources.map((source) => source.farRecordBytes?.()).filter((bytes) => bytes !== undefined);
    return far.length === 0 ? undefined : Math.max(...far);
  }

  hold(outlook?: Outlook, reader?: object) {
    const releases = this.#sources.map((source, i) => {
      const start = this.#starts[i] as number;
      return source.hold(outlook && (() => within(outlook(), start, start + source.length)), reader);
    });
    return async () => void (await Promise.all(releases.map((release) => release())));
  }
}

/** What the rows of several sources, one after another, have as their fingerprint. */
export function concatFingerprint(fingerprints: readonly string[]): string {
  return sha256Text(`concat of ${fingerprints.join(' ')}`);
}

/** What of ranges lies in start..end − 1, counted from `start`. */
function* within(ranges: Iterable<RowRange>, start: number, end: number): Generator<RowRange> {
  for (const range of ranges) {
    const from = Math.max(start, range.start);
    const to = Math.min(end, range.end);
    if (from < to) yield { start: from - start, end: to - start };
  }
}
