import { DataRefError } from '@dataref/core';
import { describeValue, encodeSegment } from '@dataref/core/adapter';

/** Folder of all arrays, beside those of the datasets: no id of a dataset gives it, since a bare % encodes nothing. */
export const ARRAYS_FOLDER = 'arrays%/';

const MOST_CHARACTERS = 255;
/** Of the whole folder: stores take 1,024 bytes, and chunks and the store's own prefix need some. */
const MOST_ENCODED = 512;

/** Names of devices on Windows, with whatever comes after a dot, and files of Zarr's own. */
const RESERVED = /^(?:(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)|__|\.z(?:array|group|attrs|metadata)$|zarr\.json$)/iu;

/**
 * Prefix of what an array or a dataset of that name has. Each part between slashes is percent-encoded outside
 * [A-Za-z0-9._-], and further where a file system or Zarr takes the part for something else.
 * @throws DataRefError INVALID_ID for what is no name, leaves the folder, or is too long
 */
export function folderOf(name: unknown): string {
  const refuse = (problem: string): never => {
    const shown = typeof name === 'string' ? JSON.stringify(name.slice(0, 60)) : describeValue(name);
    throw new DataRefError('INVALID_ID', `name ${shown}: ${problem}`, { details: { what: 'name' } });
  };
  if (typeof name !== 'string') return refuse("must be a string, such as 'mnist/train:images'");
  if (name.length > MOST_CHARACTERS) return refuse(`has ${name.length} characters, at most ${MOST_CHARACTERS}`);
  if (/^[A-Za-z]:[/\\]/u.test(name)) return refuse('must not be an absolute path');
  const parts = name.split('/');
  if (name !== '' && parts.includes('')) return refuse("must not begin or end with '/', nor have two in a row");
  const folder = `${ARRAYS_FOLDER}${parts.map(encodePart).join('/')}/`;
  if (folder.length > MOST_ENCODED)
    return refuse(`is ${folder.length} characters long as a path, at most ${MOST_ENCODED}`);
  return folder;
}

function encodePart(part: string): string {
  const encoded = encodeSegment(part, 'name').replace(/\.$/u, '%2E');
  return RESERVED.test(encoded) ? `${percent(encoded)}${encoded.slice(1)}` : encoded;
}

function percent(text: string): string {
  return `%${text.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** The name that a folder stands for; undefined where no name gives that folder. */
export function nameOf(folder: string): string | undefined {
  try {
    const name = folder.slice(ARRAYS_FOLDER.length, -1).split('/').map(decodeURIComponent).join('/');
    return folderOf(name) === folder ? name : undefined;
  } catch {
    return undefined;
  }
}
