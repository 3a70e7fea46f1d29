import { DataRefError } from '@dataref/core';
import { referencesOf } from './references.js';
import { newRecord, type RecordContent } from './records.js';
import type { BlobVersion, CatalogRecord, TableVersion, Version } from './types.js';

/** A version before it has its number. */
export type Draft = Omit<TableVersion, 'version'> | Omit<BlobVersion, 'version'>;

/** A record with one more version; with the same where it has that save already. @throws DataRefError INVALID_ARGUMENT */
export function withVersion(
  now: CatalogRecord | undefined,
  name: string,
  draft: Draft,
  tags: readonly string[],
): RecordContent | undefined {
  const before = now ?? newRecord(name);
  if (before.versions.some(({ token }) => token === draft.token)) return undefined;
  refuseOtherKind(now, draft.kind);
  refuseGone(before, draft);
  const version = before.lastVersion + 1;
  return {
    ...before,
    lastVersion: version,
    tags: { ...before.tags, ...Object.fromEntries(tags.map((tag) => [tag, version])) },
    versions: [...before.versions, { version, ...draft }],
  };
}

/** What it shares with older versions must be theirs yet. @throws DataRefError GENERATION_GONE */
function refuseGone(now: RecordContent, draft: Draft): void {
  if (draft.kind === 'blob') return;
  const { segments } = referencesOf(now.versions);
  const gone = draft.segments.find(
    ({ id, version, isLinked }) => !isLinked && !version.startsWith(draft.token) && !segments.has(`${id}@${version}`),
  );
  if (gone === undefined) return;
  throw new DataRefError(
    'GENERATION_GONE',
    `${now.name}: the version that was to be saved again was deleted meanwhile; save the data from where they came`,
    { details: { id: gone.id, version: gone.version } },
  );
}

/** A history is of tables or of blobs. @throws DataRefError INVALID_ARGUMENT */
export function refuseOtherKind(now: CatalogRecord | undefined, kind: Version['kind']): void {
  const last = now?.versions.at(-1);
  if (now === undefined || last === undefined || last.kind === kind) return;
  throw new DataRefError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(now.name)} is a ${last.kind}, and all its versions are; save the ${kind} under another name, or delete that one`,
    { details: { name: now.name } },
  );
}

/** The version of a number or a tag, the newest without; undefined where there is none. */
export function versionAt(record: CatalogRecord | undefined, at: number | string | undefined): Version | undefined {
  if (record === undefined) return undefined;
  if (at === undefined) return record.versions.at(-1);
  const number = typeof at === 'number' ? at : Object.hasOwn(record.tags, at) ? record.tags[at] : undefined;
  return record.versions.find(({ version }) => version === number);
}

/** A record without some versions, and the tags that they had. */
export function withoutVersions(now: CatalogRecord, gone: readonly Version[]): RecordContent {
  const numbers = new Set(gone.map(({ version }) => version));
  return {
    ...now,
    versions: now.versions.filter(({ version }) => !numbers.has(version)),
    tags: Object.fromEntries(Object.entries(now.tags).filter(([, version]) => !numbers.has(version))),
  };
}

/** The tags of a version, in order. */
export function tagsOf(record: Pick<CatalogRecord, 'tags'>, version: number): string[] {
  return Object.keys(record.tags)
    .filter((tag) => record.tags[tag] === version)
    .sort();
}
