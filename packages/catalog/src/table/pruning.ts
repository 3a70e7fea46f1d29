import { fromRecords, type Records, type Awaitable, type DataRef, type Schema } from '@dataref/core';
import { RowDataset, type RowSource } from '@dataref/core/adapter';
import type { TableInfo } from '../record/version-info.js';
import { valueOf } from './partition-values.js';
import { joined } from './segments.js';

/**
 * The records of the partitions for which a predicate says true, each asked once; undefined where it says so of none.
 * @throws DataRefError MAP_FAILED naming the partition, INVALID_ARGUMENT for columns that there are not
 */
export async function partitionsWhere(
  { schema, partitionBy, segments }: TableInfo,
  sources: readonly RowSource[],
  columns: readonly string[],
  predicate: (record: any, index: number) => Awaitable<boolean>,
  options: object,
): Promise<DataRef | undefined> {
  const columnsOf = schema as Record<string, Schema>;
  const heads = await fromRecords(
    segments.map(({ values }) =>
      Object.fromEntries(partitionBy.map((name, i) => [name, valueOf(schema, name, values[i] as string)])),
    ) as Records<any>,
    { schema: Object.fromEntries(partitionBy.map((name) => [name, columnsOf[name] as Schema])) },
  );
  const chosen: RowSource[] = [];
  const ask = async (record: unknown, i: number): Promise<boolean> => {
    const isChosen = await predicate(record, i);
    if (isChosen) chosen.push(sources[i] as RowSource);
    return isChosen;
  };
  await heads.where(ask, { ...options, columns });
  return chosen.length === 0 ? undefined : new RowDataset(joined(chosen));
}
