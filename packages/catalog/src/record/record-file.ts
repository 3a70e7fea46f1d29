import { DataRefError, type Schema } from '@dataref/core';
import { count, matching, parseSchema, seal, unseal, type Refuse } from '@dataref/core/adapter';
import { ID_PREFIX } from '../names/names.js';
import type { Arriving, CatalogRecord, Leaving, Left, Segment, Version } from './types.js';

const FORMAT = 'dataref-catalog';
/** Above this many bytes a record is neither written nor read. */
export const RECORD_LIMIT_BYTES = 64 * 2 ** 20;

const TOKEN = /^[0-9a-f]{16}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const FINGERPRINT = /^[\s\S]{1,1000}$/;
const NAME = /^[\s\S]{1,120}$/;
const BLOB_KEY = /^catalog%\/[A-Za-z0-9._%-]{1,255}\/[0-9a-f]{16}\.blob$/;

/**
 * A record's file. Each segment is written once, though many versions have it: a version has ranges of them.
 * @throws DataRefError OUT_OF_RANGE where it would be too large
 */
export function encodeRecord(record: CatalogRecord): Uint8Array {
  const places = new Map<Segment | string, number>();
  const segments: Segment[] = [];
  const placeOf = (segment: Segment): number => {
    const known = places.get(segment); // nearly always: versions that were read have the same objects
    if (known !== undefined) return known;
    const key = JSON.stringify([segment.id, segment.version, segment.values]);
    const place = places.get(key) ?? segments.push(segment) - 1;
    places.set(key, place).set(segment, place);
    return place;
  };
  const { versions, ...rest } = record;
  const written = versions.map((version) =>
    version.kind === 'table' ? { ...version, segments: rangesOf(version.segments.map(placeOf)) } : version,
  );
  const text = JSON.stringify({ format: FORMAT, formatVersion: 1, ...rest }, null, 2).slice(0, -2);
  const lines = (items: readonly object[]): string =>
    items.length === 0 ? '[]' : `[\n${items.map((item) => `    ${JSON.stringify(item)}`).join(',\n')}\n  ]`;
  const bytes = seal(`${text},\n  "segments": ${lines(segments)},\n  "versions": ${lines(written)}`);
  if (bytes.length <= RECORD_LIMIT_BYTES) return bytes;
  throw new DataRefError(
    'OUT_OF_RANGE',
    `${record.name}: its history would have ${bytes.length} bytes, at most ${RECORD_LIMIT_BYTES}; delete old versions, or save the table anew as one piece`,
    { details: { name: record.name } },
  );
}

/**
 * A checked record.
 * @param isIts whether it may be that of a name
 * @throws DataRefError CORRUPT, UNSUPPORTED for a newer format
 */
export function decodeRecord(bytes: Uint8Array, where: string, isIts: (name: string) => boolean): CatalogRecord {
  const refuse: Refuse = (problem) => {
    throw new DataRefError('CORRUPT', `${where} ${problem}; put it back from a copy, or remove it`, {
      details: { where },
    });
  };
  const value = unseal(bytes, FORMAT, 'is no record of a catalog', refuse);
  if (value['formatVersion'] !== 1)
    throw new DataRefError(
      'UNSUPPORTED',
      `${where} has another format version than 1; it was written by a newer release: update @dataref/catalog`,
      { details: { where } },
    );
  const name = matching(value['name'], 'name', NAME, refuse);
  if (!isIts(name)) return refuse('is the record of another name');
  const segments = list(value['segments'], 'segments', refuse).map((item) => segmentOf(item, refuse));
  const versions = list(value['versions'], 'versions', refuse).map((item) => versionOf(item, segments, refuse));
  const lastVersion = count(value['lastVersion'], 'lastVersion', refuse);
  versions.forEach(({ version }, i) => {
    if (version > lastVersion || version <= (versions[i - 1]?.version ?? 0)) refuse('has versions out of order');
  });
  const numbers = new Set<unknown>(versions.map(({ version }) => version));
  const tags = Object.entries(object(value['tags'], 'tags', refuse)).map(([tag, number]): [string, number] =>
    numbers.has(number) ? [tag, number as number] : refuse('has a tag of no version'),
  );
  return {
    name,
    revision: matching(value['revision'], 'revision', TOKEN, refuse),
    changedAt: matching(value['changedAt'], 'changedAt', TIME, refuse),
    lastVersion,
    tags: Object.fromEntries(tags),
    versions,
    leaving: optional(value['leaving'], (item) => leavingOf(item, refuse)),
    arriving: optional(value['arriving'], (item) => arrivingOf(item, refuse)),
    left: optional(value['left'], (item): Left => ({ ...leavingOf(item, refuse), outcome: outcomeOf(item, refuse) })),
  };
}

function segmentOf(item: unknown, refuse: Refuse): Segment {
  const value = object(item, 'a segment', refuse);
  if (typeof value['isLinked'] !== 'boolean') return refuse('has a segment without isLinked');
  const id = matching(value['id'], "a segment's id", NAME, refuse);
  if (!value['isLinked'] && !id.startsWith(ID_PREFIX))
    return refuse('has a segment of its own that is none of a catalog');
  return {
    id,
    version: matching(value['version'], "a segment's version", NAME, refuse),
    length: count(value['length'], "a segment's length", refuse),
    byteLength: count(value['byteLength'], "a segment's byteLength", refuse),
    fingerprint: matching(value['fingerprint'], "a segment's fingerprint", FINGERPRINT, refuse),
    isLinked: value['isLinked'],
    values: texts(value['values'], "a segment's values", refuse),
  };
}

function versionOf(item: unknown, all: readonly Segment[], refuse: Refuse): Version {
  const value = object(item, 'a version', refuse);
  const saved = {
    version: count(value['version'], "a version's number", refuse),
    token: matching(value['token'], "a version's token", TOKEN, refuse),
    createdAt: matching(value['createdAt'], "a version's createdAt", TIME, refuse),
    byteLength: count(value['byteLength'], "a version's byteLength", refuse),
    fingerprint: matching(value['fingerprint'], "a version's fingerprint", FINGERPRINT, refuse),
    metadata: object(value['metadata'], "a version's metadata", refuse),
  };
  if (value['kind'] === 'blob')
    return { ...saved, kind: 'blob', key: matching(value['key'], "a blob's key", BLOB_KEY, refuse) };
  if (value['kind'] !== 'table') return refuse('has a version that is neither a table nor a blob');
  const partitionBy = texts(value['partitionBy'], 'partitionBy', refuse);
  const ranges = list(value['segments'], "a version's segments", refuse).map((range) => {
    const [start, end] = list(range, 'a range of segments', refuse).map((at) => count(at, 'a range', refuse));
    if (start === undefined || end === undefined || start >= end || end > all.length)
      return refuse('has a version of segments that there are not');
    return all.slice(start, end);
  });
  const segments = ranges.length === 1 ? (ranges[0] as readonly Segment[]) : ranges.flat();
  if (segments.length === 0) return refuse('has a table without segments');
  const length = count(value['length'], "a version's length", refuse);
  let sum = 0;
  for (const segment of segments) {
    sum += segment.length;
    if (segment.values.length !== partitionBy.length) return refuse('has a segment that is of no partition');
  }
  if (sum !== length) return refuse('has a table whose segments have another length');
  return { ...saved, kind: 'table', length, schema: schemaOf(value['schema'], refuse), partitionBy, segments };
}

function schemaOf(value: unknown, refuse: Refuse): Schema {
  try {
    return parseSchema(value);
  } catch {
    return refuse('has a malformed schema');
  }
}

function leavingOf(item: unknown, refuse: Refuse): Leaving {
  const value = object(item, 'a rename', refuse);
  const to = matching(value['to'], "a rename's name", NAME, refuse);
  return { to, token: matching(value['token'], "a rename's token", TOKEN, refuse) };
}

function arrivingOf(item: unknown, refuse: Refuse): Arriving {
  const value = object(item, 'a rename', refuse);
  const from = matching(value['from'], "a rename's name", NAME, refuse);
  const token = matching(value['token'], "a rename's token", TOKEN, refuse);
  return { from, token, outcome: outcomeOf(item, refuse) };
}

function outcomeOf(item: unknown, refuse: Refuse): Arriving['outcome'] {
  const { outcome } = Object(item) as { readonly outcome?: unknown };
  return outcome === 'arrived' || outcome === 'refused' ? outcome : refuse('has a rename without an outcome');
}

function optional<T>(value: unknown, parse: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : parse(value);
}

function object(value: unknown, what: string, refuse: Refuse): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  return refuse(`has ${what} that is no object`);
}

function list(value: unknown, what: string, refuse: Refuse): unknown[] {
  return Array.isArray(value) ? value : refuse(`has ${what} that is no list`);
}

function texts(value: unknown, what: string, refuse: Refuse): string[] {
  return list(value, what, refuse).map((item) =>
    typeof item === 'string' ? item : refuse(`has ${what} that is no list of texts`),
  );
}

/** Neighbouring places, joined: `[[start, end], …]`. */
function rangesOf(places: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const place of places) {
    const last = ranges.at(-1);
    if (last?.[1] === place) last[1]++;
    else ranges.push([place, place + 1]);
  }
  return ranges;
}
