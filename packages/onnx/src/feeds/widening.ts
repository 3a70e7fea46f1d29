import type { NumericDType } from '@dataref/core';

/** Bits of the integers that a dtype holds exactly, and whether it holds negative ones. */
const INTEGERS: Readonly<Record<NumericDType, { readonly bits: number; readonly signed: boolean }>> = {
  bool: { bits: 1, signed: false },
  uint8: { bits: 8, signed: false },
  int8: { bits: 7, signed: true },
  uint16: { bits: 16, signed: false },
  int16: { bits: 15, signed: true },
  uint32: { bits: 32, signed: false },
  int32: { bits: 31, signed: true },
  uint64: { bits: 64, signed: false },
  int64: { bits: 63, signed: true },
  float16: { bits: 11, signed: true },
  float32: { bits: 24, signed: true },
  float64: { bits: 53, signed: true },
};

/** Whether every value of `from` is one of `to`. */
export function isWidening(from: NumericDType, to: NumericDType): boolean {
  if (from === to) return true;
  if (from.startsWith('float') && !to.startsWith('float')) return false;
  const [narrow, wide] = [INTEGERS[from], INTEGERS[to]];
  return narrow.bits <= wide.bits && (wide.signed || !narrow.signed);
}
