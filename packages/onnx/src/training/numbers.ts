import { float16ToNumber } from '@dataref/core/adapter';
import type { Parameters } from './types.js';

/** An element as a number: float16 comes as bits where there is no Float16Array. */
export function numberAt(type: string, data: ArrayLike<unknown>, index: number): number {
  const value = Number(data[index]);
  const isBits = type === 'float16' && Object.prototype.toString.call(data) === '[object Uint16Array]';
  return isBits ? float16ToNumber(value) : value;
}

/** Whether every element is a finite number. */
function isAllFinite(type: string, data: ArrayLike<unknown>): boolean {
  if (!type.startsWith('float')) return true;
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(numberAt(type, data, i))) return false;
  return true;
}

/** The first array with an element that is not finite. */
export function nameOfNotFinite(parameters: Parameters): string | undefined {
  return Object.entries(parameters).find(([, { dtype, data }]) => !isAllFinite(dtype, data))?.[0];
}
