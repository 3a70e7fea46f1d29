import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DataRefError, type Schema } from '@dataref/core';
import { checkPath, isField, RowDataset, type RowSource } from '@dataref/core/adapter';
import type { IoOptions } from '@dataref/core/store';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { newToken } from '../record/records.js';
import type { TableInfo } from '../record/version-info.js';
import { columnsOf, parquetSchemaOf } from './parquet-schema.js';
import { parquetColumn } from './parquet-column.js';

const MOST_RECORDS_AT_ONCE = 65_536;
/** As stored: their values are in memory several times, as JavaScript's own. */
const BYTES_AT_ONCE = 16 * 2 ** 20;

/** Writes a table as one Parquet file, or as a folder of one for each partition. */
export async function writeTable(
  { schema, partitionBy, segments: infos, length, byteLength }: TableInfo,
  segments: readonly RowSource[],
  given: string | URL,
  options: IoOptions,
): Promise<void> {
  const checked = checkPath('toParquet', given);
  const path = resolve(checked instanceof URL ? fileURLToPath(checked) : checked);
  const fitting = Math.floor((BYTES_AT_ONCE * length) / Math.max(1, byteLength));
  const recordsAtOnce = Math.max(1, Math.min(MOST_RECORDS_AT_ONCE, fitting));
  const aside = `${path}.${newToken()}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    if (partitionBy.length === 0) await writeFile(aside, columnsOf(schema), segments, recordsAtOnce, options);
    else {
      await refuseFilled(path);
      const columns = Object.fromEntries(
        Object.entries(columnsOf(schema)).filter(([name]) => !partitionBy.includes(name)),
      );
      for (const [i, segment] of segments.entries()) {
        const values = infos[i]?.values ?? [];
        const folder = join(aside, ...partitionBy.map((name, c) => `${hive(name)}=${hive(values[c] as string)}`));
        await mkdir(folder, { recursive: true });
        await writeFile(join(folder, `${i}.parquet`), columns, [segment], recordsAtOnce, options);
      }
    }
    options.signal?.throwIfAborted();
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { recursive: true, force: true }).catch(() => undefined);
    throw fileFailure(error, path);
  }
}

async function writeFile(
  path: string,
  columns: Readonly<Record<string, Schema>>,
  segments: readonly RowSource[],
  recordsAtOnce: number,
  { signal }: IoOptions,
): Promise<void> {
  if (Object.keys(columns).length === 0)
    throw new DataRefError('UNSUPPORTED', 'toParquet: the table has no columns but those that it is partitioned by');
  const file = await open(path, 'wx');
  try {
    const bytes = new ByteWriter() as ByteWriter & { index: number };
    const flush = async (): Promise<void> => {
      await file.writeFile(bytes.getBytes());
      bytes.index = 0;
    };
    const schema = parquetSchemaOf(columns);
    const kvMetadata = [{ key: 'dataref:schema', value: JSON.stringify(columns) }];
    const writer = new ParquetWriter({ writer: Object.assign(bytes, { flush, finish: flush }), schema, kvMetadata });
    for (const segment of segments) {
      const names = Object.keys(columns);
      for (let start = 0; start < segment.length; start += recordsAtOnce) {
        signal?.throwIfAborted();
        const indices = Uint32Array.from(
          { length: Math.min(recordsAtOnce, segment.length - start) },
          (_, i) => start + i,
        );
        const columnData = await columnsIn(segment, names, columns, indices, signal);
        await writer.write({ columnData, rowGroupSize: recordsAtOnce });
      }
    }
    await writer.finish();
    await file.sync();
  } finally {
    await file.close();
  }
}

async function columnsIn(
  segment: RowSource,
  names: readonly string[],
  columns: Readonly<Record<string, Schema>>,
  indices: Uint32Array,
  signal: AbortSignal | undefined,
): Promise<{ name: string; data: any }[]> {
  const rows = await new RowDataset(segment).read(indices, { signal });
  const isBare = isField(segment.schema);
  let made: any[] | undefined;
  const records = (): any[] => (made ??= rows.records());
  return names.map((name) => ({
    name,
    data: parquetColumn(columns[name] as Schema, isBare ? rows.columns : rows.columns[name], () =>
      isBare ? records() : records().map((record) => record[name] as unknown),
    ),
  }));
}

/** A value as part of a folder's name, as Hive escapes it. */
function hive(text: string): string {
  if (text === '') return '__HIVE_DEFAULT_PARTITION__';
  return encodeURIComponent(text).replace(/[.~!'()*]/gu, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

async function refuseFilled(path: string): Promise<void> {
  const there = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (there.length > 0)
    throw new DataRefError('ALREADY_EXISTS', `toParquet: ${path} is a folder with files; give a new one`, {
      details: { path },
    });
}

function fileFailure(error: unknown, path: string): unknown {
  const { code } = Object(error) as { readonly code?: unknown };
  if (typeof code !== 'string' || !/^E[A-Z]+$/u.test(code)) return error;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new DataRefError(isFull ? 'DISK_FULL' : 'STORE_FAILED', `toParquet: ${path} cannot be written (${code})`, {
    cause: error,
    details: { path, code },
  });
}
