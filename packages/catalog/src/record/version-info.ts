import type { Schema } from '@dataref/core';
import { tagsOf } from './history.js';
import type { CatalogRecord, Metadata, Version } from './types.js';

interface SavedInfo {
  readonly name: string;
  /** 1, 2, …: a number is not given twice under one name. */
  readonly version: number;
  readonly createdAt: Date;
  readonly byteLength: number;
  /** Same content, same text. */
  readonly fingerprint: string;
  readonly metadata: Metadata;
  readonly tags: readonly string[];
}

/** What the catalog knows of a version of a table. */
export interface TableInfo extends SavedInfo {
  readonly kind: 'table';
  readonly length: number;
  readonly schema: Schema;
  readonly partitionBy: readonly string[];
  /** The datasets of the storage that it consists of, in order, and what the columns of `partitionBy` have in each, as text. */
  readonly segments: readonly {
    readonly id: string;
    readonly version: string;
    readonly length: number;
    readonly values: readonly string[];
  }[];
}

/** What the catalog knows of a version of a blob. */
export interface BlobInfo extends SavedInfo {
  readonly kind: 'blob';
}

export type VersionInfo = TableInfo | BlobInfo;

export function infoOf(record: CatalogRecord, saved: Version): VersionInfo {
  const { version, createdAt, byteLength, fingerprint, metadata } = saved;
  const tags = tagsOf(record, version);
  const info = { name: record.name, version, createdAt: new Date(createdAt), byteLength, fingerprint, metadata, tags };
  if (saved.kind === 'blob') return { ...info, kind: 'blob' };
  const segments = saved.segments.map(({ id, version: of, length, values }) => ({ id, version: of, length, values }));
  return {
    ...info,
    kind: 'table',
    length: saved.length,
    schema: saved.schema,
    partitionBy: saved.partitionBy,
    segments,
  };
}

/** What a filter looks for; a version that has all of it is found. */
export interface Filter {
  readonly kind?: Version['kind'] | undefined;
  /** The version must have this tag, though it be an older one. */
  readonly tag?: string | undefined;
  /** Words that are in its name, its columns, its tags or its metadata, whatever their case. */
  readonly text?: string | undefined;
}

/** The version of a name that a filter finds: the newest, or the one that has the tag. */
export function foundIn(record: CatalogRecord, { kind, tag, text }: Filter): VersionInfo | undefined {
  const number =
    tag === undefined ? record.versions.at(-1)?.version : Object.hasOwn(record.tags, tag) && record.tags[tag];
  const saved = record.versions.find(({ version }) => version === number);
  if (saved === undefined || (kind !== undefined && saved.kind !== kind)) return undefined;
  const info = infoOf(record, saved);
  const columns = info.kind === 'table' ? JSON.stringify(info.schema) : '';
  const searched = [info.name, columns, ...info.tags, JSON.stringify(info.metadata)].join('\n').toLowerCase();
  const words = (text ?? '').toLowerCase().split(/\s+/u);
  return words.every((word) => searched.includes(word)) ? info : undefined;
}
