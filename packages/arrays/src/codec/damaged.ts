import { DataRefError } from '@dataref/core';
import type { Length } from './codec.js';

export function damaged(message: string): DataRefError {
  return new DataRefError('CORRUPT', message);
}

/** Refuses what says that it decodes to another length, before anything is allocated. @throws DataRefError CORRUPT */
export function checkSaid(said: number | bigint, { byteLength, isExact }: Length): void {
  if (isExact ? Number(said) === byteLength : said <= byteLength) return;
  throw damaged(`it says that it decodes to ${said} bytes, expected ${isExact ? '' : 'at most '}${byteLength}`);
}
