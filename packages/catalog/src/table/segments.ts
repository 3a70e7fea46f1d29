import {
  DataRefError,
  isDataRefError,
  type DataRef,
  type ProgressOptions,
  type Schema,
  type Storage,
} from '@dataref/core';
import {
  ConcatenatedRows,
  eachAtOnce,
  inOrder,
  isDataRef,
  originOf,
  REQUESTS_AT_ONCE,
  reporter,
  RowDataset,
  rowsOf,
  selectedRows,
  storeOf,
  withLastReport,
  type Origin,
  type RowSource,
} from '@dataref/core/adapter';
import type { IoOptions } from '@dataref/core/store';
import { ID_PREFIX, idOf } from '../names/names.js';
import type { CatalogRecord, Segment } from '../record/types.js';
import type { OpenedRows } from './opened-rows.js';
import { checkPartitionBy, partitionsOf } from './partition-values.js';

/** Partitions that are written at once, each with a part in memory. */
const PARTITIONS_AT_ONCE = 4;

export interface SegmentOptions extends ProgressOptions {
  readonly schema?: Schema | undefined;
  readonly partitionBy?: readonly string[] | undefined;
}

/** What a table is made of, before it has a version. */
export interface SavedSegments {
  readonly schema: Schema;
  readonly segments: readonly Segment[];
}

/**
 * Data as datasets of the storage, one a partition; data that the storage has already as it is, and is the user's own or
 * of the same name, is linked to.
 * @param token in the version of each, which nobody else has
 * @param opened is given the rows of what was written
 * @throws DataRefError as `Storage.submit` does; what was written before is removed
 */
export async function saveSegments(
  storage: Storage,
  name: string,
  token: string,
  data: unknown,
  now: CatalogRecord | undefined,
  opened: OpenedRows,
  options: SegmentOptions,
): Promise<SavedSegments> {
  const { schema, partitionBy, ...io } = options;
  const submit = (records: unknown, version: string, more: SegmentOptions): Promise<DataRef> =>
    storage.submit(records as DataRef, idOf(name), version, more as ProgressOptions);
  if (partitionBy === undefined) {
    const linked = linkedTo(storage, data, now);
    if (linked !== undefined) {
      await openSegments(storage, name, linked.segments, undefined, io); // or no version could be loaded
      return linked;
    }
    const saved = await submit(data, token, { schema, ...io });
    return { schema: saved.schema as Schema, segments: [ownSegment(saved, opened)] };
  }
  const staged = isDataRef(data) ? undefined : await submit(data, `${token}-staged`, { schema, ...io });
  try {
    const whole = staged ?? (data as DataRef);
    checkPartitionBy(whole.schema as Schema, partitionBy);
    const partitions = await partitionsOf(whole, partitionBy, io.signal);
    const segments: Segment[] = [];
    const rows = rowsOf(whole);
    let done = 0;
    try {
      await withLastReport(io.onProgress, (tell) => {
        const report = reporter(tell, 'write', whole.length, 'records');
        const write = async ({ values, indices }: (typeof partitions)[number], i: number): Promise<void> => {
          const chosen = new RowDataset(selectedRows(rows, Uint32Array.from(indices)));
          const saved = await submit(chosen, partitionVersion(token, i, partitionBy, values), { signal: io.signal });
          segments[i] = ownSegment(saved, opened, values);
          report((done += indices.length));
        };
        return eachAtOnce(partitions, PARTITIONS_AT_ONCE, write, io.signal);
      });
    } catch (error) {
      await removeSegments(storage, segments.filter(Boolean)).catch(() => undefined); // else vacuum finds them
      throw error;
    }
    return { schema: whole.schema as Schema, segments };
  } finally {
    if (staged !== undefined) await storage.delete(idOf(name), `${token}-staged`).catch(() => undefined);
  }
}

/** Removes what the catalog has written of a table, and nobody else. */
export async function removeSegments(
  storage: Storage,
  segments: Iterable<Pick<Segment, 'id' | 'version'>>,
  { signal }: IoOptions = {},
): Promise<void> {
  const remove = async ({ id, version }: Pick<Segment, 'id' | 'version'>): Promise<void> =>
    void (await storage.delete(id, version, { signal }));
  await eachAtOnce(segments, REQUESTS_AT_ONCE, remove, signal);
}

/**
 * The rows of a version, segment by segment.
 * @param opened what need not be opened again
 * @throws DataRefError CORRUPT, GENERATION_GONE
 */
export async function openSegments(
  storage: Storage,
  what: string,
  segments: readonly Segment[],
  opened: OpenedRows | undefined,
  { signal }: IoOptions,
): Promise<readonly RowSource[]> {
  const open = async (segment: Segment): Promise<RowSource> => {
    const known = opened?.get(segment);
    if (known !== undefined) return known;
    const found = await storage.fetch(segment.id, segment.version, { signal }).catch((error: unknown) => {
      if (isDataRefError(error, 'NOT_FOUND')) return undefined;
      throw error;
    });
    if (found?.fingerprint === segment.fingerprint) return rowsOf(found);
    throw goneSegment(what, segment, found === undefined ? 'deleted' : 'replaced');
  };
  const rows: RowSource[] = [];
  for await (const source of inOrder(segments, REQUESTS_AT_ONCE, open)) rows.push(source);
  return rows;
}

/** Rows of several segments as those of one table. */
export function joined(sources: readonly RowSource[]): RowSource {
  return sources.length === 1 ? (sources[0] as RowSource) : new ConcatenatedRows(sources);
}

function goneSegment(what: string, { id, version, isLinked }: Segment, how: string): DataRefError {
  const details = { details: { id, version } };
  return isLinked
    ? new DataRefError(
        'GENERATION_GONE',
        `${what} is the dataset ${id}@${version} of the same storage, which was ${how} since; save the table again`,
        details,
      )
    : new DataRefError('CORRUPT', `${what}: its dataset ${id}@${version} was ${how}; save the table again`, details);
}

/** A dataset of this storage: its user's own, or one that this name's history has. */
function linkedTo(storage: Storage, data: unknown, now: CatalogRecord | undefined): SavedSegments | undefined {
  const origin = originOf(data);
  if (origin === undefined || origin.store !== storeOf('save', storage)) return undefined;
  const { id, version, schema } = origin.manifest;
  if (!id.startsWith(ID_PREFIX)) return { schema, segments: [{ ...describe(origin), isLinked: true, values: [] }] };
  const own = now?.versions
    .flatMap((saved) => (saved.kind === 'table' ? saved.segments : []))
    .find((segment) => segment.id === id && segment.version === version);
  return own && { schema, segments: [{ ...own, values: [] }] };
}

function ownSegment(saved: DataRef, opened: OpenedRows, values: readonly string[] = []): Segment {
  const segment = { ...describe(originOf(saved) as Origin), isLinked: false, values };
  opened.add(segment, rowsOf(saved));
  return segment;
}

function describe({ manifest }: Origin): Omit<Segment, 'isLinked' | 'values'> {
  const { id, version, length, byteLength, fingerprint } = manifest;
  return { id, version, length, byteLength, fingerprint };
}

/** `<token>-0.label=1`: a folder that says what is in it. The record has the values as they are. */
function partitionVersion(token: string, index: number, columns: readonly string[], values: readonly string[]): string {
  const pairs = columns.map((name, i) => `${plain(name)}=${plain(values[i] as string)}`).join('.');
  return `${token}-${index}.${pairs}`.slice(0, 100);
}

function plain(text: string): string {
  return text.slice(0, 40).replace(/[^A-Za-z0-9_-]/gu, '_');
}
