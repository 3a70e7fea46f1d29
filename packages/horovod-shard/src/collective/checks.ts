import { DataRefError, type ErrorCode } from '@dataref/core';
import type { Reducible, Reduction, Sendable } from './types.js';

export const REDUCTIONS: readonly Reduction[] = ['sum', 'mean', 'min', 'max'];
const REDUCIBLE = ['Float32Array', 'Float64Array', 'Int32Array'];
const SENDABLE = [...REDUCIBLE, 'Uint8Array', 'Int8Array', 'Uint16Array', 'Int16Array', 'Uint32Array', 'BigInt64Array'];

export function failed(what: string, cause?: unknown): DataRefError {
  return error('COLLECTIVE_FAILED', what, cause);
}

/** The name of a typed array's kind, for any realm and subclass. */
export function kindOf(values: unknown): string {
  // What comes after this gives the same, in many times the time.
  const tag = (values as { readonly [Symbol.toStringTag]?: unknown } | null | undefined)?.[Symbol.toStringTag];
  return typeof tag === 'string' ? tag : Object.prototype.toString.call(values).slice(8, -1);
}

/** @throws DataRefError INVALID_ARGUMENT */
export function checkReducible(what: string, values: Reducible, reduction: Reduction): void {
  checkKind(what, values, REDUCIBLE);
  if (!REDUCTIONS.includes(reduction))
    throw error('INVALID_ARGUMENT', `${what}: expected one of ${REDUCTIONS.join(', ')}, got ${reduction}`);
}

/** @throws DataRefError INVALID_ARGUMENT */
export function checkSendable(what: string, values: Sendable): void {
  checkKind(what, values, SENDABLE);
}

/** @throws DataRefError INVALID_ARGUMENT */
export function checkRoot(what: string, root: number, size: number): void {
  if (!Number.isInteger(root) || root < 0 || root >= size)
    throw error('INVALID_ARGUMENT', `${what}: root is a rank from 0 to ${size - 1}, got ${String(root)}`);
}

/** A rank and the size of its world, which may be wrong. @throws DataRefError INVALID_ARGUMENT */
export function checkWorld<W extends { readonly rank: number; readonly size: number }>(what: string, world: W): W {
  const { rank, size } = Object(world) as W;
  if (Number.isInteger(rank) && Number.isInteger(size) && rank >= 0 && rank < size && size < 2 ** 32) return world;
  throw error(
    'INVALID_ARGUMENT',
    `${what}: expected a rank from 0 below the size, got rank ${String(rank)} of ${String(size)}`,
  );
}

function checkKind(what: string, values: Sendable, kinds: readonly string[]): void {
  const kind = kindOf(values);
  if (!kinds.includes(kind)) throw error('INVALID_ARGUMENT', `${what}: expected ${kinds.join(', ')}, got ${kind}`);
  if (kindOf(values.buffer) !== 'ArrayBuffer')
    throw error(
      'INVALID_ARGUMENT',
      `${what}: expected an array over an ArrayBuffer, got one over ${kindOf(values.buffer)}`,
    );
}

function error(code: ErrorCode, message: string, cause?: unknown): DataRefError {
  return new DataRefError(code, message, cause === undefined ? {} : { cause });
}
