import { crc32 } from '../checksum/crc32.js';
import { shown } from '../errors.js';

const CRC_KEY = ',\n  "crc32": ';

/** Ends the reading of a file with what is wrong with it. */
export type Refuse = (problem: string) => never;

/** A JSON object's text without its end, as a file whose last member is the CRC-32 of the text before it. */
export function seal(body: string): Uint8Array {
  const encoder = new TextEncoder();
  const bytes = encoder.encode(body);
  return encoder.encode(`${body}${CRC_KEY}${crc32(bytes)}\n}\n`);
}

/** A sealed file with one more member, a word, at its end, in place of one of the same name that was there. */
export function resealed(bytes: Uint8Array, name: string, word: string): Uint8Array {
  const text = new TextDecoder().decode(bytes);
  const body = text.slice(0, text.lastIndexOf(CRC_KEY));
  const start = `,\n  "${name}": "`;
  const at = body.lastIndexOf(start);
  const isThere = at >= 0 && /^\w+"$/u.test(body.slice(at + start.length));
  return seal(`${isThere ? body.slice(0, at) : body}${start}${word}"`);
}

/** The object of a sealed file of a format. Its `formatVersion` is not looked at: files of every version end alike. */
export function unseal(bytes: Uint8Array, format: string, otherwise: string, refuse: Refuse): Record<string, unknown> {
  const text = new TextDecoder().decode(bytes);
  const value = parseJson(text, refuse);
  if (value['format'] !== format) return refuse(otherwise);
  const end = text.lastIndexOf(CRC_KEY);
  const actual = end < 0 ? undefined : crc32(new TextEncoder().encode(text.slice(0, end)));
  const stored = value['crc32'];
  if (actual !== stored) return refuse(`its checksum is ${show(stored)}, the text has ${String(actual)}`);
  if (text.slice(end) !== `${CRC_KEY}${actual}\n}\n`) return refuse('something follows its checksum');
  return value;
}

function parseJson(text: string, refuse: Refuse): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    // Its words are the parser's and the file's own, so that it is no cause: those are printed as they are.
    return refuse(`is no JSON; it was cut short or damaged (${shown((error as Error).message)})`);
  }
  return refuse('is no JSON object');
}

/** A value of a file for a message, whatever it is. */
export function show(value: unknown): string {
  if (typeof value === 'string') return shown(value, 100);
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

export function count(value: unknown, name: string, refuse: Refuse): number {
  return Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : refuse(`${name} is ${show(value)}, not an integer ≥ 0`);
}

export function matching(value: unknown, name: string, pattern: RegExp, refuse: Refuse): string {
  return typeof value === 'string' && pattern.test(value) ? value : refuse(`${name} is malformed`);
}
