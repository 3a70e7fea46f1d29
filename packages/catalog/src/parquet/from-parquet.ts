import { defineDataRef, DataRefError, type DataRef, type Schema } from '@dataref/core';
import {
  checkPath,
  describeValue,
  isField,
  lazyPackage,
  optionsOf,
  parseSchema,
  refuseUnknown,
  sha256Text,
} from '@dataref/core/adapter';
import type { AsyncBuffer, FileMetaData } from 'hyparquet';
import { schemaOfParquet } from './parquet-schema.js';

/** Groups of rows that are kept decoded. */
const GROUPS_KEPT = 2;

/** Bytes of one read of a file: more than 2^31 are none. */
const MOST_AT_ONCE = 2 ** 30;

const loadHyparquet = lazyPackage(
  'hyparquet',
  async () => ({ ...(await import('hyparquet')), ...(await import('hyparquet-compressors')) }),
  'reading Parquet needs hyparquet: npm i hyparquet hyparquet-compressors',
);

export interface FromParquetOptions {
  /** Columns to take; default: all. */
  readonly columns?: readonly string[] | undefined;
}

/**
 * The rows of a Parquet file, read by groups when they are asked for: integers, floats, booleans, strings, bytes, lists of
 * numbers as vectors of differing lengths, groups as records within the record. What `toParquet` wrote has its schema again,
 * unless its columns are others by now.
 * @param file a path, a file: URL, or a buffer of hyparquet, such as `asyncBufferFromUrl` gives
 * @throws DataRefError INVALID_ARGUMENT, also for a folder; NOT_FOUND; CORRUPT for what is no Parquet file; UNSUPPORTED naming a column that no
 *   dtype stands for; while reading, NULL_VALUE
 */
export async function fromParquet(
  file: string | URL | AsyncBuffer,
  options: FromParquetOptions = {},
): Promise<DataRef> {
  const { columns, ...unknown } = optionsOf('fromParquet', options);
  refuseUnknown('fromParquet', unknown, ['columns']);
  if (columns !== undefined && !Array.isArray(columns))
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `fromParquet: columns must be a list of names, got ${describeValue(columns)}`,
    );
  const { parquetMetadataAsync, parquetReadObjects, parquetSchema, compressors } = await loadHyparquet();
  const [buffer, name] = await bufferOf(file);
  const metadata = await parquetMetadataAsync(buffer).catch((cause: unknown) => {
    throw new DataRefError('CORRUPT', `fromParquet: ${name} is no Parquet file: ${String(cause)}`, { cause });
  });
  const is = schemaOfParquet(parquetSchema(metadata), columns);
  const written = schemaIn(metadata, columns);
  const schema = written !== undefined && isFormOf(written, is) ? written : is;
  for (const column of columns ?? [])
    if (!Object.hasOwn(schema, column))
      throw new DataRefError('INVALID_ARGUMENT', `fromParquet: no column ${describeValue(column)} in ${name}`);
  const groups = startsOf(metadata, name);
  const kept = new Map<number, Promise<readonly any[]>>();
  const groupOf = (group: number): Promise<readonly any[]> => {
    const known = kept.get(group);
    if (known !== undefined) return known;
    const [rowStart, rowEnd] = [groups[group] as number, groups[group + 1] as number];
    const reading = parquetReadObjects({
      file: buffer,
      metadata,
      rowStart,
      rowEnd,
      columns: Object.keys(schema),
      compressors,
      utf8: false,
    });
    kept.set(group, reading);
    reading.catch(() => kept.delete(group));
    for (const old of kept.keys()) if (kept.size > GROUPS_KEPT) kept.delete(old);
    return reading;
  };
  return defineDataRef({
    schema,
    length: groups.at(-1) as number,
    fingerprint: sha256Text(
      JSON.stringify([buffer.byteLength, metadata], (_, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      ),
    ),
    async read(indices) {
      const records: any[] = [];
      for (const index of indices) {
        const group = groups.findLastIndex((start) => start <= index);
        records.push((await groupOf(group))[index - (groups[group] as number)]);
      }
      return records;
    },
  }) as DataRef;
}

async function bufferOf(file: string | URL | AsyncBuffer): Promise<[AsyncBuffer, string]> {
  if (typeof (Object(file) as Partial<AsyncBuffer>).slice === 'function' && typeof file === 'object')
    return [file as AsyncBuffer, 'the buffer'];
  const path = checkPath('fromParquet', file);
  const { open } = await import('node:fs/promises');
  const { byteLength } = await open(path).then(
    async (handle) => {
      const stats = await handle.stat();
      await handle.close();
      if (stats.isDirectory())
        throw new DataRefError(
          'INVALID_ARGUMENT',
          `fromParquet: ${String(path)} is a folder; give the path of one of its files, such as lang=de/0.parquet in it`,
        );
      return { byteLength: stats.size };
    },
    (cause: NodeJS.ErrnoException) => {
      throw new DataRefError(
        cause.code === 'ENOENT' ? 'NOT_FOUND' : 'STORE_FAILED',
        `fromParquet: ${String(path)} cannot be read (${cause.code})`,
        { cause },
      );
    },
  );
  const slice = async (start: number, end = byteLength): Promise<ArrayBuffer> => {
    const handle = await open(path);
    try {
      const bytes = new Uint8Array(end - start);
      for (let at = 0; at < bytes.length;) {
        const { bytesRead } = await handle.read(bytes, at, Math.min(bytes.length - at, MOST_AT_ONCE), start + at);
        if (bytesRead === 0)
          throw new DataRefError('CORRUPT', `fromParquet: ${String(path)} ends at byte ${start + at}, before ${end}`);
        at += bytesRead;
      }
      return bytes.buffer;
    } finally {
      await handle.close();
    }
  };
  return [{ byteLength, slice }, String(path)];
}

/** Where each group of rows begins, and the last one ends. @throws DataRefError CORRUPT */
function startsOf({ row_groups: groups, num_rows: all }: FileMetaData, name: string): number[] {
  const starts = [0];
  for (const { num_rows: rows } of groups) starts.push((starts.at(-1) as number) + Number(rows));
  const end = starts.at(-1) as number;
  if (groups.every(({ num_rows: rows }) => rows >= 0n) && Number.isSafeInteger(end) && BigInt(end) === all)
    return starts;
  throw new DataRefError('CORRUPT', `fromParquet: ${name} says that it has ${all} rows, and its groups have others`);
}

/** Whether columns that are as `is` may be read as what `toParquet` wrote down: others keep it when they change them. */
function isFormOf(written: Schema, is: Schema): boolean {
  if (isField(written)) return isField(is) && written.dtype === is.dtype && written.shape.length === is.shape.length;
  const [members, found] = [Object.entries(written), is as Record<string, Schema>];
  return (
    !isField(is) &&
    members.length === Object.keys(found).length &&
    members.every(([key, member]) => Object.hasOwn(found, key) && isFormOf(member, found[key] as Schema))
  );
}

/** The schema that `toParquet` wrote down. */
function schemaIn(
  { key_value_metadata: pairs }: FileMetaData,
  columns: readonly string[] | undefined,
): Schema | undefined {
  const text = pairs?.find(({ key }) => key === 'dataref:schema')?.value;
  if (text === undefined) return undefined;
  try {
    const schema = JSON.parse(text) as Record<string, Schema>;
    return parseSchema(
      Object.fromEntries(Object.entries(schema).filter(([name]) => columns?.includes(name) !== false)),
    );
  } catch {
    return undefined;
  }
}
