// What a bundle for browsers gets in the place of the entries that need Node: their names alone.
import { DataRefError } from './errors.js';

export const FileStorage = nodeOnly('FileStorage');
export const GCSStorage = nodeOnly('GCSStorage');
export const GCSStore = nodeOnly('GCSStore');
export const S3Storage = nodeOnly('S3Storage');
export const S3Store = nodeOnly('S3Store');

function nodeOnly(name: string): new () => never {
  return function refuse(): never {
    throw new DataRefError('UNSUPPORTED', `${name} needs Node; in a browser, read datasets with HttpStorage`);
  } as unknown as new () => never;
}
