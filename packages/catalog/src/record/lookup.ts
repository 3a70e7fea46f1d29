import { DataRefError } from '@dataref/core';
import { didYouMean } from '@dataref/core/adapter';
import type { IoOptions } from '@dataref/core/store';
import { parseName } from '../names/names.js';
import { refuseOtherKind, versionAt, withVersion, type Draft } from './history.js';
import type { RecordContent, Records } from './records.js';
import { changeRecord } from './renames.js';
import type { CatalogRecord, Version } from './types.js';

/** A version, and the record that has it. */
export interface Found<V extends Version = Version> {
  readonly record: CatalogRecord;
  readonly saved: V;
}

/** The version of a name. @throws DataRefError NOT_FOUND with what there is instead, INVALID_ID, CORRUPT */
export async function findVersion(records: Records, given: string, options: IoOptions): Promise<Found> {
  const { name, at } = parseName(given);
  const record = await records.read(name, options);
  const saved = versionAt(record, at);
  if (record === undefined || saved === undefined) throw await notFound(records, given, record);
  return { record, saved };
}

/** The same of a certain kind. @throws DataRefError INVALID_ARGUMENT for one of the other */
export async function findOf<K extends Version['kind']>(
  records: Records,
  given: string,
  kind: K,
  options: IoOptions,
): Promise<Found<Extract<Version, { readonly kind: K }>>> {
  const { record, saved } = await findVersion(records, given, options);
  if (saved.kind === kind) return { record, saved: saved as Extract<Version, { readonly kind: K }> };
  const cure = saved.kind === 'blob' ? 'loadBlob, or blobStream' : 'load';
  throw new DataRefError('INVALID_ARGUMENT', `${JSON.stringify(given)} is a ${saved.kind}: use ${cure}`, {
    details: { name: given },
  });
}

/** NOT_FOUND, with what there is instead. @param record of the name, as it was read */
export async function notFound(
  records: Records,
  given: string,
  record: CatalogRecord | undefined,
): Promise<DataRefError> {
  const { name } = parseName(given);
  const hint = await hintOf(records, name, record);
  return new DataRefError(
    'NOT_FOUND',
    `no ${JSON.stringify(given)} in the catalog of ${records.store.description}${hint}`,
    { details: { name: given } },
  );
}

async function hintOf(records: Records, name: string, record: CatalogRecord | undefined): Promise<string> {
  if (record !== undefined && record.versions.length > 0) {
    const versions = record.versions.slice(-10).map(({ version }) => version);
    const tags = Object.keys(record.tags);
    return `; there are versions ${versions.join(', ')}${tags.length > 0 ? `, and tags ${tags.join(', ')}` : ''}`;
  }
  if (record?.left?.outcome === 'arrived') return `; it was renamed to ${JSON.stringify(record.left.to)}`;
  const names = await records.names().catch(() => []); // of a store that cannot list
  return didYouMean(name, names);
}

/** What there is under a name that is to be saved. @throws DataRefError INVALID_ID, INVALID_ARGUMENT for the other kind */
export async function recordToSave(
  records: Records,
  name: string,
  kind: Version['kind'],
  options: IoOptions,
): Promise<CatalogRecord | undefined> {
  const now = await records.read(name, options);
  if (now === undefined) await records.refuseLookalike(name, options);
  refuseOtherKind(now, kind);
  return now;
}

/**
 * Adds a version to what a name has by then.
 * @param draftOf is asked anew where others have saved meanwhile
 * @param remove what was written for it, where it cannot be one
 */
export async function addVersion(
  records: Records,
  name: string,
  token: string,
  draftOf: (now: CatalogRecord | undefined) => Draft,
  tags: readonly string[],
  remove: () => Promise<unknown>,
  { signal }: IoOptions,
): Promise<Found> {
  let isBegun = false;
  const change = (now: CatalogRecord | undefined): RecordContent | undefined => {
    const next = withVersion(now, name, draftOf(now), tags);
    isBegun = true;
    return next;
  };
  try {
    signal?.throwIfAborted();
    const record = await changeRecord(records, name, change, { signal });
    const saved = record?.versions.find((version) => version.token === token);
    return { record: record as CatalogRecord, saved: saved as Version };
  } catch (error) {
    // The failure that brought us here is the one to report; what is left behind, vacuum finds.
    const isNobodys = !isBegun || (signal?.aborted !== true && (await isMissing(records, name, token)));
    if (isNobodys) await remove().catch(() => undefined);
    throw error;
  }
}

/** Whether a put that failed has not come to pass all the same. One that was aborted may yet do so. */
async function isMissing(records: Records, name: string, token: string): Promise<boolean> {
  try {
    const now = await records.read(name);
    if (now === undefined) return true;
    const hasMoved = now.leaving !== undefined || now.left !== undefined; // perhaps with it
    return !hasMoved && now.versions.every((version) => version.token !== token);
  } catch {
    return false;
  }
}
