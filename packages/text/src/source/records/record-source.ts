import { DataRefError, type DataRef } from '@dataref/core';
import { describeValue, didYouMean, sha256Text } from '@dataref/core/adapter';
import { checkColumns, textOf } from '../columns.js';
import type { TextRow, TextSource, TextSplit } from '../text-source.js';
import { UNIT_ROWS, unitsInTurn } from '../unit.js';

type TextRecord = Readonly<Record<string, unknown>>;

/** Records of one split: a DataRef, an iterable, or a function that makes one anew for each time that it is read. */
export type Records =
  DataRef | AsyncIterable<TextRecord> | Iterable<TextRecord> | (() => AsyncIterable<TextRecord> | Iterable<TextRecord>);
/** Records of `train`, or by split. */
export type RecordsBySplit = Records | Readonly<Partial<Record<'train' | 'validation' | 'test', Records>>>;

export interface RecordSourceOptions {
  /** Columns to read, in this order. */
  readonly columns: readonly string[];
  /** Same records, same string: needed for what is no DataRef, which has its own. */
  readonly fingerprint?: string | undefined;
}

const SPLITS = ['train', 'validation', 'test'];
const ROWS_AT_ONCE = 256;

/**
 * Text of records.
 * @throws DataRefError INVALID_ARGUMENT for what holds no records; NO_FINGERPRINT where an iterable comes without one;
 * SCHEMA_MISMATCH for a column that a DataRef has not, or, while units are read, that the first record has not or whose
 * value is no text
 */
export function openRecordSource(records: RecordsBySplit, options: RecordSourceOptions): TextSource {
  const { columns, fingerprint } = options;
  const splits = splitsOf(records);
  const lines = splits.map(
    ([name, data]) => `${name} ${isDataRef(data) ? data.fingerprint : given(name, fingerprint)}`,
  );
  return {
    splits: splits.map(([name, data]) =>
      isDataRef(data) ? datasetSplit(name, data, columns) : iterableSplit(name, data, columns),
    ),
    fingerprint: sha256Text(['records', fingerprint ?? '', ...lines].join('\n')),
    origin: { kind: 'records', splits: splits.map(([name]) => name) },
  };
}

function splitsOf(records: RecordsBySplit): (readonly [string, Records])[] {
  if (isRecords(records)) return [['train', records]];
  const wrong = (what: string) =>
    new DataRefError(
      'INVALID_ARGUMENT',
      `fromRecords: ${what}; give a DataRef, an iterable, a function that makes one, or those by split`,
    );
  if (typeof records !== 'object' || records === null) throw wrong(`got ${describeValue(records)}`);
  const entries = Object.entries(records).filter(([, data]) => data !== undefined);
  if (entries.length === 0) throw wrong('there are no records');
  for (const [name, data] of entries) {
    if (!SPLITS.includes(name)) throw wrong(`there is no split ${JSON.stringify(name)}${didYouMean(name, SPLITS)}`);
    if (!isRecords(data)) throw wrong(`${name} is ${describeValue(data)}`);
  }
  return entries;
}

function isRecords(value: unknown): value is Records {
  if (typeof value === 'string') return false;
  const { [Symbol.iterator]: sync, [Symbol.asyncIterator]: async } = Object(value) as Partial<
    Iterable<unknown> & AsyncIterable<unknown>
  >;
  return typeof value === 'function' || typeof sync === 'function' || typeof async === 'function' || isDataRef(value);
}

function isDataRef(value: unknown): value is DataRef {
  const { stream, schema, fingerprint, slice } = Object(value) as Partial<DataRef>;
  return (
    typeof stream === 'function' && typeof slice === 'function' && schema !== undefined && fingerprint !== undefined
  );
}

function given(name: string, fingerprint: string | undefined): string {
  if (typeof fingerprint === 'string') return fingerprint;
  throw new DataRefError(
    'NO_FINGERPRINT',
    `fromRecords: the records of ${name} have no fingerprint; give one, a string that changes whenever they do, or a DataRef`,
  );
}

/** A DataRef is read by position: a unit is a stretch of its records. */
function datasetSplit(name: string, data: DataRef, columns: readonly string[]): TextSplit {
  checkColumns(`records of ${name}`, columns, Object.keys(data.schema as object));
  const chosen = data.select(...columns);
  return {
    name,
    rowCount: data.length,
    async *units() {
      for (let start = 0; start < data.length; start += UNIT_ROWS) {
        const end = Math.min(start + UNIT_ROWS, data.length);
        yield {
          id: String(start / UNIT_ROWS),
          rows: ({ signal }) => rowsOf(name, readRange(chosen, start, end, signal), columns, start, signal),
        };
      }
    },
  };
}

async function* readRange(data: DataRef, start: number, end: number, signal: AbortSignal | undefined): AsyncGenerator {
  for (let first = start; first < end; first += ROWS_AT_ONCE) {
    const indices = Array.from({ length: Math.min(ROWS_AT_ONCE, end - first) }, (_, i) => first + i);
    yield* (await data.read(indices, { signal })).records();
  }
}

function iterableSplit(name: string, records: Exclude<Records, DataRef>, columns: readonly string[]): TextSplit {
  let isUsed = false;
  return {
    name,
    units({ signal }) {
      const iterable = typeof records === 'function' ? records() : records;
      if (isUsed && iterable === records && isOneUse(iterable))
        throw new DataRefError(
          'INVALID_ARGUMENT',
          `fromRecords: the records of ${name} can be read only once, and are wanted again; give a function that makes them: () => records()`,
        );
      isUsed = true;
      return unitsInTurn('', rowsOf(name, iterable, columns, 0, signal), signal);
    },
  };
}

/** A generator is its own iterator. */
function isOneUse(iterable: AsyncIterable<unknown> | Iterable<unknown>): boolean {
  return typeof (iterable as { readonly next?: unknown }).next === 'function';
}

async function* rowsOf(
  name: string,
  records: AsyncIterable<unknown> | Iterable<unknown>,
  columns: readonly string[],
  start: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly TextRow[]> {
  let rows: TextRow[] = [];
  let index = start;
  for await (const record of records) {
    signal?.throwIfAborted();
    const where = () => `records of ${name}, record ${index}`;
    if (index === 0) checkColumns(`records of ${name}`, columns, Object.keys(Object(record) as object));
    rows.push(columns.map((column) => textOf((Object(record) as TextRecord)[column], column, where)));
    index++;
    if (rows.length < ROWS_AT_ONCE) continue;
    yield rows;
    rows = [];
  }
  if (rows.length > 0) yield rows;
}
