import { instantiateKernel, type Kernel } from '../../dist/kernel/kernel.js';
import { webAssembly } from '../../dist/kernel/webassembly.js';

/** Every byte around an output is this, so that a write outside it shows. */
const GUARD = 0xa5;
const GUARD_BYTES = 64;
const PAGES = 8;

export const BYTES = PAGES * 65_536;
const memory = new (webAssembly().Memory)({ initial: PAGES });
export const bytes = new Uint8Array(memory.buffer);
export const view = new DataView(memory.buffer);
export const kernel: Kernel = instantiateKernel(memory);

/** Writes uint32 values at an address of any alignment and returns that address. */
export function putUint32(address: number, values: readonly number[]): number {
  values.forEach((value, i) => view.setUint32(address + 4 * i, value, true));
  return address;
}

/** Fills `byteLength` bytes with a repeatable pattern that differs from row to row, and returns their address. */
export function putPattern(address: number, byteLength: number, seed: number): number {
  let state = seed | 1;
  for (let i = 0; i < byteLength; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[address + i] = state >>> 24;
  }
  return address;
}

/**
 * Runs `write` on an output surrounded by guard bytes.
 *
 * @returns a copy of the output, and the addresses of guard bytes that changed, which should be none.
 */
export function guarded(address: number, byteLength: number, write: (out: number) => void) {
  const start = Math.max(0, address - GUARD_BYTES);
  const end = Math.min(BYTES, address + byteLength + GUARD_BYTES);
  bytes.fill(GUARD, start, end);
  write(address);
  const touched: number[] = [];
  for (let at = start; at < end; at++) {
    if ((at < address || at >= address + byteLength) && bytes[at] !== GUARD) touched.push(at);
  }
  return { out: bytes.slice(address, address + byteLength), touched };
}

/** Returns the named rows of `byteLength` bytes at `src`, one after another. */
export function rowsOf(src: number, byteLength: number, indices: readonly number[]): Uint8Array {
  const out = new Uint8Array(indices.length * byteLength);
  indices.forEach((index, k) => {
    out.set(bytes.subarray(src + index * byteLength, src + (index + 1) * byteLength), k * byteLength);
  });
  return out;
}

/** Like `expect(actual).toEqual(expected)` but quick for large arrays: returns the first byte that differs, or -1. */
export function firstDifference(actual: Uint8Array, expected: Uint8Array): number {
  if (actual.length !== expected.length) return Math.min(actual.length, expected.length);
  return actual.findIndex((byte, i) => byte !== expected[i]);
}
