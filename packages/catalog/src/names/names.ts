import { DataRefError } from '@dataref/core';
import { decodeSegment, describeValue, encodeSegment } from '@dataref/core/adapter';

/** Folder of all that the catalog has beside the datasets: no id of a dataset gives it, since a bare % encodes nothing. */
export const CATALOG_FOLDER = 'catalog%/';
/** What the ids of the catalog's own datasets begin with. */
export const ID_PREFIX = 'catalog:';

const MOST_BYTES = 120 - ID_PREFIX.length;
const TAG = /^[A-Za-z][A-Za-z0-9._-]{0,59}$/;

/** What a name, with or without a version, stands for. */
export interface NameRef {
  readonly name: string;
  /** The number of a version, or a tag; undefined for the newest version. */
  readonly at: number | string | undefined;
}

/**
 * `team/reviews`, `team/reviews@3`, `team/reviews@best`.
 * @throws DataRefError INVALID_ID
 */
export function parseName(given: unknown): NameRef {
  if (typeof given !== 'string') return refuse(given, "must be a string, such as 'team/reviews'");
  const [name = '', at, ...rest] = given.split('@');
  if (rest.length > 0) return refuse(given, "must not have '@' but before a version");
  checkName(name);
  if (at === undefined) return { name, at };
  if (/^[1-9]\d{0,14}$/u.test(at)) return { name, at: Number(at) };
  if (!TAG.test(at)) return refuse(given, `after '@' comes the number of a version, or a tag`);
  return { name, at };
}

/** A name alone. @throws DataRefError INVALID_ID */
export function nameAlone(what: string, given: unknown): string {
  const { name, at } = parseName(given);
  return at === undefined ? name : refuse(given, `${what} takes a name without a version: ${JSON.stringify(name)}`);
}

/** @throws DataRefError INVALID_ARGUMENT */
export function checkTag(tag: unknown): string {
  if (typeof tag === 'string' && TAG.test(tag)) return tag;
  throw new DataRefError(
    'INVALID_ARGUMENT',
    `a tag is a letter and up to 59 of A-Z, a-z, 0-9, '.', '_', '-', got ${describeValue(tag)}`,
  );
}

/** Prefix of what a name has. @throws DataRefError INVALID_ID */
export function folderOf(name: string): string {
  return `${CATALOG_FOLDER}${checkName(name)}/`;
}

/** Key of a name's record. @throws DataRefError INVALID_ID */
export function recordKey(name: string): string {
  return `${folderOf(name)}record.json`;
}

/** The name that a folder of the catalog stands for; undefined where no name gives it. */
export function nameOf(segment: string): string | undefined {
  const name = decodeSegment(segment);
  try {
    return name === undefined || checkName(name) !== segment ? undefined : name;
  } catch {
    return undefined;
  }
}

/** What two names have in common that differ by case, or by Unicode form, alone. */
export function foldedName(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/** Id of the datasets that the tables of a name consist of. */
export function idOf(name: string): string {
  return `${ID_PREFIX}${name}`;
}

/** The name as one segment of a path. */
function checkName(name: string): string {
  const encoded = encodeSegment(name, 'name');
  if (name.includes('@')) return refuse(name, "must not have '@'");
  if (name.split('/').includes('')) return refuse(name, "must not begin or end with '/', nor have two in a row");
  const { length } = new TextEncoder().encode(name);
  if (length > MOST_BYTES) return refuse(name, `has ${length} bytes of UTF-8, at most ${MOST_BYTES}`);
  encodeSegment(idOf(name), 'name');
  return encoded;
}

function refuse(given: unknown, problem: string): never {
  const shown = typeof given === 'string' ? JSON.stringify(given.slice(0, 60)) : describeValue(given);
  throw new DataRefError('INVALID_ID', `name ${shown}: ${problem}`, { details: { what: 'name' } });
}
