// What a bundle for browsers gets in the place of the entries, and of the package, that need Node: their names alone.
import { DataRefError } from './errors.js';

export const FileStorage = nodeOnly('FileStorage');
export const GCSStorage = nodeOnly('GCSStorage');
export const GCSStore = nodeOnly('GCSStore');
export const S3Storage = nodeOnly('S3Storage');
export const S3Store = nodeOnly('S3Store');
export const withCache = nodeOnly('withCache');
export const Tinypool = nodeOnly('map in worker threads', 'map with a function, or workers: 0');

function nodeOnly(name: string, instead = 'read datasets with HttpStorage'): new () => never {
  return function refuse(): never {
    throw new DataRefError('UNSUPPORTED', `${name} needs Node; in a browser, ${instead}`);
  } as unknown as new () => never;
}
