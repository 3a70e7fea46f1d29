import { CONVERT_WASM } from './convert-wasm.js';
import { GATHER_WASM } from './gather-wasm.js';
import { webAssembly, type WasmMemory, type WasmModule } from './webassembly.js';

/**
 * Gathers inside one memory: the rows named by an index list become one dense, C-contiguous output.
 *
 * `src`, `offsets`, `idx`, `out` and `outOffsets` are byte addresses in that memory, of any alignment, below 4 GiB.
 * `idx` is a list of `n` uint32 row numbers, in any order and with repeats. Nothing outside the named rows is read and
 * nothing outside the output is written. Input and output must not overlap. Row numbers are not checked: one past its
 * column reads other bytes of the memory or throws a `WebAssembly.RuntimeError`.
 */
export interface Kernel {
  /** Copies rows of `byteLength` bytes; the output has n * byteLength bytes. */
  readonly gather: (src: number, idx: number, n: number, byteLength: number, out: number) => void;

  /**
   * Adds up the elements of rows of varying length; row i is the elements offsets[i] to offsets[i + 1].
   *
   * @returns the number of elements in the n rows, exact up to 2^53.
   */
  readonly measureRanges: (offsets: number, idx: number, n: number) => number;

  /**
   * Packs rows of varying length one after another. Row i is the elements offsets[i] to offsets[i + 1] (uint32) of
   * `elementBytes` bytes each. Writes n + 1 uint32 element offsets, the first of them 0, at `outOffsets`.
   *
   * @returns the bytes written at `out`.
   */
  readonly gatherRanges: (
    src: number,
    offsets: number,
    idx: number,
    n: number,
    elementBytes: number,
    out: number,
    outOffsets: number,
  ) => number;

  /** Converts uint8[elements] rows to float32: `Math.fround(value * Math.fround(scale))`. */
  readonly gatherU8F32: (src: number, idx: number, n: number, elements: number, out: number, scale: number) => void;

  /**
   * Converts int64[elements] rows to int32.
   *
   * @returns -1, or the first k below n whose row has a value that int32 does not hold; rows from k on are undefined.
   */
  readonly gatherI64I32: (src: number, idx: number, n: number, elements: number, out: number) => number;

  /**
   * Turns one uint8 label a row into float32[classes], all 0 but a 1 at the label.
   *
   * @returns -1, or the first k below n whose label is not in 0..classes-1; rows from k on are all 0.
   */
  readonly gatherOneHotU8: (src: number, idx: number, n: number, classes: number, out: number) => number;

  /** As `gatherOneHotU8`, of int32 labels. */
  readonly gatherOneHotI32: (src: number, idx: number, n: number, classes: number, out: number) => number;

  /** As `gatherOneHotU8`, of int64 labels. */
  readonly gatherOneHotI64: (src: number, idx: number, n: number, classes: number, out: number) => number;
}

interface GatherExports {
  readonly touch: (src: number, idx: number, n: number, byteLength: number) => void;
  readonly gather: Kernel['gather'];
  readonly measure_ranges: Kernel['measureRanges'];
  readonly gather_ranges: Kernel['gatherRanges'];
}

interface ConvertExports {
  readonly gather_u8_f32: Kernel['gatherU8F32'];
  readonly gather_i64_i32: Kernel['gatherI64I32'];
  readonly gather_one_hot_u8: Kernel['gatherOneHotU8'];
  readonly gather_one_hot_i32: Kernel['gatherOneHotI32'];
  readonly gather_one_hot_i64: Kernel['gatherOneHotI64'];
}

let compiled: { readonly gather: WasmModule; readonly convert: WasmModule } | undefined;

/**
 * Returns the kernels bound to `memory`. The modules, about 2 KB together, are compiled on the first call.
 *
 * @param memory a `WebAssembly.Memory` that is not shared.
 * @throws DataRefError `UNSUPPORTED` in a runtime without WebAssembly; a `WebAssembly.CompileError` in one without SIMD,
 *   or in a page whose security policy forbids it; a `WebAssembly.LinkError` for a shared memory.
 */
export function instantiateKernel(memory: WasmMemory): Kernel {
  const { Instance, Module } = webAssembly();
  compiled ??= { gather: new Module(decode(GATHER_WASM)), convert: new Module(decode(CONVERT_WASM)) };
  const env = { memory };
  const copies = new Instance(compiled.gather, { env }).exports as GatherExports;
  const gather = { touch: copies.touch };
  const conversions = new Instance(compiled.convert, { env, gather }).exports as ConvertExports;
  return {
    gather: copies.gather,
    measureRanges: copies.measure_ranges,
    gatherRanges: copies.gather_ranges,
    gatherU8F32: conversions.gather_u8_f32,
    gatherI64I32: conversions.gather_i64_i32,
    gatherOneHotU8: conversions.gather_one_hot_u8,
    gatherOneHotI32: conversions.gather_one_hot_i32,
    gatherOneHotI64: conversions.gather_one_hot_i64,
  };
}

function decode(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}
