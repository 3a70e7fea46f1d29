import { DataRefError, type Storage } from '@dataref/core';
import { decodeSegment, eachAtOnce, manifestKey, orAbort, REQUESTS_AT_ONCE } from '@dataref/core/adapter';
import type { IoOptions, ObjectInfo } from '@dataref/core/store';
import { CATALOG_FOLDER, ID_PREFIX, recordKey } from './names/names.js';
import type { Records } from './record/records.js';
import { referencesOf, type References } from './record/references.js';
import { settle } from './record/renames.js';
import type { CatalogRecord } from './record/types.js';

/** Where names are changed all the time, there is no moment at which all of them are known. */
const MOST_ATTEMPTS = 20;

/**
 * Removes what is old enough and nobody's: datasets and blobs of the catalog that no version has, and records of names
 * that were deleted.
 * @returns bytes freed
 */
export async function vacuumCatalog(
  storage: Storage,
  records: Records,
  graceMs: number,
  options: IoOptions,
): Promise<number> {
  // What is written first, and then who has it: what is saved meanwhile is younger, or had by somebody.
  const isOld = ({ modifiedMs }: ObjectInfo): boolean => Date.now() - modifiedMs >= graceMs;
  const segments = (await segmentsOf(records, options)).filter(({ manifest }) => isOld(manifest));
  const files = (await catalogFiles(records, options)).filter(isOld);
  const { references, records: known } = await allReferences(records, options);
  let bytesFreed = 0;
  const removeSegment = async ({ id, version }: (typeof segments)[number]): Promise<void> => {
    const { byteLength } = await storage.info(id, version, options).catch(() => ({ byteLength: 0 })); // damaged
    if (await storage.delete(id, version, options)) bytesFreed += byteLength;
  };
  const unused = segments.filter(({ id, version }) => !references.segments.has(`${id}@${version}`));
  await eachAtOnce(unused, REQUESTS_AT_ONCE, removeSegment, options.signal);
  const removeBlob = async ({ key, byteLength }: ObjectInfo): Promise<void> => {
    if (await records.store.delete(key, options)) bytesFreed += byteLength;
  };
  const blobs = files.filter(({ key }) => key.endsWith('.blob') && !references.blobs.has(key));
  await eachAtOnce(blobs, REQUESTS_AT_ONCE, removeBlob, options.signal);
  const emptied = known.filter(
    ({ versions, changedAt }) => versions.length === 0 && Date.now() - Date.parse(changedAt) >= graceMs,
  );
  await eachAtOnce(emptied, REQUESTS_AT_ONCE, (record) => removeEmptied(records, record, options), options.signal);
  return bytesFreed;
}

/** Datasets that the catalog has written, with their manifests. */
async function segmentsOf(
  records: Records,
  { signal }: IoOptions,
): Promise<{ readonly id: string; readonly version: string; readonly manifest: ObjectInfo }[]> {
  const { store } = records;
  const folders = async (prefix: string): Promise<readonly string[]> => [
    ...new Set(await orAbort(store.listFolders(prefix, { signal }), signal)),
  ];
  const found: { id: string; version: string; manifest: ObjectInfo }[] = [];
  for (const folder of await folders('')) {
    const id = decodeSegment(folder);
    if (id?.startsWith(ID_PREFIX) !== true) continue;
    const look = async (segment: string): Promise<void> => {
      const version = decodeSegment(segment);
      const manifest = version && (await store.head(manifestKey(id, version), { signal }));
      if (version !== undefined && manifest) found.push({ id, version, manifest });
    };
    await eachAtOnce(await folders(`${folder}/`), REQUESTS_AT_ONCE, look, signal);
  }
  return found;
}

async function catalogFiles({ store }: Records, options: IoOptions): Promise<ObjectInfo[]> {
  const files: ObjectInfo[] = [];
  for await (const file of store.list(CATALOG_FOLDER, options)) files.push(file);
  return files;
}

/**
 * What all versions have at one moment: records are read until they are twice the same, since a history that is renamed
 * while they are read is in none of them, or in two.
 */
async function allReferences(
  records: Records,
  options: IoOptions,
): Promise<{ readonly references: References; readonly records: readonly CatalogRecord[] }> {
  let before: string | undefined;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const all: CatalogRecord[] = [];
    for await (const record of records.all(options)) all.push(record);
    const marked = all.filter(({ leaving, arriving }) => leaving !== undefined || arriving !== undefined);
    for (const { name } of marked) await settle(records, name, options);
    const now = JSON.stringify(all.map(({ name, revision }) => [name, revision]));
    if (marked.length === 0 && now === before)
      return { references: referencesOf(all.flatMap(({ versions }) => versions)), records: all };
    before = now;
  }
  throw new DataRefError('TIMEOUT', 'vacuum: names were changed all the time; try again when less is saved', {
    details: { isTransient: true },
  });
}

async function removeEmptied(records: Records, record: CatalogRecord, options: IoOptions): Promise<void> {
  const key = recordKey(record.name);
  const held = await records.store.get(key, 2 ** 20, options);
  if (held === undefined || !new TextDecoder().decode(held.bytes).includes(`"revision": "${record.revision}"`)) return;
  await records.store.delete(key, { ...options, ifVersion: held.version });
}
