import type { NumericDType } from '@dataref/core';
import { arrayType, describeValue, numberToFloat16 } from '@dataref/core/adapter';
import type { Refuse } from './geometry.js';

/** Says what is wrong. */
interface FillErrors {
  readonly corrupt: Refuse;
  readonly unsupported: Refuse;
}

const SPECIAL: Readonly<Record<string, number>> = { NaN: NaN, Infinity: Infinity, '-Infinity': -Infinity };

/**
 * A fill value as the dtype's array holds it: bits of a float16, 0 or 1 for a bool.
 * @see https://zarr-specs.readthedocs.io/en/latest/v3/data-types/index.html
 */
export function fillValue(dtype: NumericDType, value: unknown, errors: FillErrors): number | bigint {
  const refuse = (): never => errors.corrupt('fill_value', `is ${describeValue(value)}, which is no ${dtype}`);
  if (value === null || value === undefined) return dtype === 'int64' || dtype === 'uint64' ? 0n : 0;
  if (dtype === 'bool') return value === true || value === 1 ? 1 : value === false || value === 0 ? 0 : refuse();
  if (dtype.startsWith('float')) return floatOf(dtype, value) ?? refuse();
  if (!Number.isInteger(value)) return refuse();
  if (dtype === 'int64' || dtype === 'uint64') {
    if (!Number.isSafeInteger(value))
      errors.unsupported('fill_value', `is ${value as number}; integers beyond 2^53 cannot be read exactly from JSON`);
    const big = BigInt(value as number);
    return (dtype === 'int64' ? BigInt.asIntN(64, big) : BigInt.asUintN(64, big)) === big ? big : refuse();
  }
  const held = new (arrayType(dtype))(1);
  held[0] = value as never;
  return held[0] === value ? (value as number) : refuse();
}

/** Numbers, NaN and infinities by name, and bits as '0x…'. */
function floatOf(dtype: NumericDType, value: unknown): number | undefined {
  const width = arrayType(dtype).BYTES_PER_ELEMENT;
  const isBits = typeof value === 'string' && new RegExp(`^0x[0-9a-f]{${2 * width}}$`, 'iu').test(value);
  if (isBits) {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, BigInt(value));
    return width === 2 ? view.getUint16(6) : width === 4 ? view.getFloat32(4) : view.getFloat64(0);
  }
  const number = typeof value === 'string' && Object.hasOwn(SPECIAL, value) ? SPECIAL[value] : value;
  if (typeof number !== 'number') return undefined;
  return dtype === 'float16' ? numberToFloat16(number) : number;
}
