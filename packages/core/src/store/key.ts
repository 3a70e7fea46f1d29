import { DataRefError } from '../errors.js';

/** The folder in which writers work, and from which they move what is whole; nothing below it is ever listed, and no key can name it. */
export const WORKSHOP = '.tmp~';

const SEGMENT = /^[A-Za-z0-9._%-]{1,255}$/;

/** The key itself. @throws DataRefError INVALID_ID where it could name anything outside its store */
export function checkKey(key: string): string {
  if (isKey(key)) return key;
  throw new DataRefError('INVALID_ID', `${JSON.stringify(key)} is no key of a store`, { details: { key } });
}

/** Whether it names something inside a store. */
export function isKey(key: string): boolean {
  return key.split('/').every((segment) => SEGMENT.test(segment) && segment !== '.' && segment !== '..');
}

/**
 * An id, a version or a part of a name as one path segment: UTF-8, percent-encoded outside [A-Za-z0-9._-].
 * @throws DataRefError INVALID_ID when empty, above 120 bytes, `.` or `..`, a path that leaves its folder, or with control characters
 */
export function encodeSegment(text: unknown, what: 'id' | 'version' | 'name'): string {
  const refuse = (problem: string): never => {
    const shown = typeof text === 'string' ? JSON.stringify(text.slice(0, 60)) : String(text);
    throw new DataRefError('INVALID_ID', `${what} ${shown}: ${problem}`, { details: { what } });
  };
  if (typeof text !== 'string') return refuse(`must be a string, such as ${what === 'version' ? "'1.0'" : "'mnist'"}`);
  if (text === '') return refuse('must not be empty');
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > 120) return refuse(`has ${bytes.length} bytes of UTF-8, at most 120`);
  if (/\p{Surrogate}/u.test(text)) return refuse('is not well-formed Unicode');
  if (/[\u0000-\u001f\u007f]/u.test(text)) return refuse('has control characters');
  if (/^[/\\]|^[A-Za-z]:[/\\]/u.test(text)) return refuse('must not be an absolute path');
  if (text.split(/[/\\]/u).some((part) => part === '.' || part === '..'))
    return refuse("must not have '.' or '..' as a path segment");
  const encoded = Array.from(bytes, (byte) => {
    const char = String.fromCharCode(byte);
    return /[A-Za-z0-9._-]/u.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
  if (encoded.length > 240) return refuse(`is ${encoded.length} characters long as a file name, at most 240`);
  return encoded;
}

/** The id or version that a segment stands for; undefined where no id gives that segment. */
export function decodeSegment(segment: string): string | undefined {
  try {
    const text = decodeURIComponent(segment);
    return encodeSegment(text, 'id') === segment ? text : undefined;
  } catch {
    return undefined;
  }
}
