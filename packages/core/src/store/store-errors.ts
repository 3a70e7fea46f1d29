import { DataRefError } from '../errors.js';

export function truncated(key: string, needed: number, got: number): DataRefError {
  return new DataRefError(
    'CORRUPT',
    `${key}: ends at byte ${got}, expected at least ${needed}; it was cut short or replaced`,
    {
      details: { key, needed, got },
    },
  );
}

export function tooLarge(key: string, byteLength: number, limitBytes: number): DataRefError {
  return new DataRefError(
    'CORRUPT',
    `${key}: has ${byteLength} bytes, more than the ${limitBytes} that are read at once`,
    {
      details: { key, byteLength, limitBytes },
    },
  );
}
