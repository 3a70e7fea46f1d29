import { invalidArgument } from '../errors.js';

/** A prefix of names in a bucket: empty, or ending in `/`. @throws DataRefError INVALID_ARGUMENT */
export function checkPrefix(what: string, prefix: unknown): string {
  const segments = typeof prefix === 'string' ? prefix.replace(/\/+$/u, '').split('/') : [];
  if (segments.length === 1 && segments[0] === '') return '';
  const isGood = (segment: string): boolean => !['', '.', '..'].includes(segment) && !/\p{Cc}/u.test(segment);
  if (segments.length > 0 && segments.every(isGood)) return `${segments.join('/')}/`;
  throw invalidArgument(`${what}: prefix must be like 'a/b', got ${JSON.stringify(prefix)}`);
}
