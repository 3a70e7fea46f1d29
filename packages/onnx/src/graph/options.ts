import { countOf } from '@dataref/core/adapter';
import { INITIALIZERS, type Initializer } from './initial-values.js';
import { checkSize, refuse } from './layer.js';

/** What every layer may be given. */
export interface LayerOptions {
  /** What its parameters begin with, `NAME.weight`; default: kind and number, dense1. */
  readonly name?: string | undefined;
}

/** What an option of other libraries is here. */
export const LAYER_CURES = { activation: 'it is a layer of its own: put relu() after this one' };

export function nameOf(what: string, name: unknown): string | undefined {
  if (name === undefined) return undefined;
  return inputName(`${what}: name`, name);
}

/**
 * The name of an input or a layer. Names with a slash in front are those of the values inside a graph; of those with a NUL,
 * runtimes see what is before it, and of half a surrogate pair nothing is left in UTF-8.
 */
export function inputName(what: string, name: unknown): string {
  const isText =
    typeof name === 'string' && name !== '' && name !== '__proto__' && !/[\0-\x1f\p{Surrogate}]/u.test(name);
  if (!isText || name.startsWith('/') || name.endsWith('.out'))
    refuse(
      `${what} must be a text that does not begin with "/" or end with ".out", without control characters, and not "__proto__", got ${JSON.stringify(name) ?? 'nothing'}`,
    );
  return name;
}

export function initializerOf(what: string, initializer: unknown): Initializer {
  return oneOf(`${what}: initializer`, initializer, INITIALIZERS);
}

export function oneOf<T extends string>(what: string, value: unknown, allowed: readonly T[]): T {
  if (allowed.includes(value as T)) return value as T;
  return refuse(`${what} must be one of ${allowed.join(', ')}, got ${JSON.stringify(value) ?? 'nothing'}`);
}

/** A boolean. */
export function switchOf(what: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  return refuse(`${what} must be true or false, got ${JSON.stringify(value) ?? 'nothing'}`);
}

/** A number from `least` to below `limit`, which float32 can hold: neither Infinity there, nor 0 where it is not. */
export function numberOf(what: string, value: unknown, least: number, limit = Infinity): number {
  if (typeof value === 'number' && isFloat32(value) && value >= least && Math.fround(value) < limit) return value;
  const range = limit === Infinity ? `≥ ${least}` : `from ${least} to below ${limit}`;
  return refuse(`${what} must be a number ${range}, got ${JSON.stringify(value) ?? 'nothing'}${inFloat32(value)}`);
}

/** Whether a number stays finite, and other than 0, as float32. */
export function isFloat32(value: number): boolean {
  const kept = Math.fround(value);
  return Number.isFinite(kept) && (kept === 0) === (value === 0);
}

/** What to add to a message about a number that float32 rounds to another one. */
export function inFloat32(value: unknown): string {
  const kept = Math.fround(Number(value));
  return typeof value !== 'number' || kept === value || ![0, 1, Infinity].includes(Math.abs(kept))
    ? ''
    : `, which is ${kept} in float32`;
}

/** Height and width, from one number for both or a pair. */
export function pairOf(what: string, value: unknown): readonly [number, number] {
  const pair = Array.isArray(value) ? value : [value, value];
  if (pair.length !== 2) refuse(`${what} must be one integer or two, [height, width], got ${JSON.stringify(value)}`);
  return [countOf(what, pair[0], 1), countOf(what, pair[1], 1)];
}

/** Sizes of a row's dimensions. */
export function rowShapeOf(what: string, shape: unknown): readonly number[] {
  if (!Array.isArray(shape))
    refuse(`${what} must be a list of sizes without the batch, such as [28, 28], got ${JSON.stringify(shape)}`);
  const sizes = (shape as unknown[]).map((size, i) => countOf(`${what}[${i}]`, size, 1));
  checkSize(what, sizes);
  return sizes;
}
