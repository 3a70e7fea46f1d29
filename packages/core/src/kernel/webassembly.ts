import { DataRefError } from '../errors.js';

/** The part of `WebAssembly.Memory` used here; TypeScript declares the real one only together with the DOM. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

/** A compiled module, opaque. */
export type WasmModule = object;

interface WasmApi {
  readonly Memory: new (pages: { readonly initial: number; readonly maximum?: number }) => WasmMemory;
  readonly Module: new (binary: Uint8Array) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports: { readonly env: { readonly memory: WasmMemory }; readonly gather?: object },
  ) => { readonly exports: unknown };
}

/**
 * The runtime's WebAssembly.
 *
 * @throws DataRefError `UNSUPPORTED` when there is none, as under `node --jitless`.
 */
export function webAssembly(): WasmApi {
  const api = (globalThis as { readonly WebAssembly?: WasmApi }).WebAssembly;
  if (api === undefined) {
    throw new DataRefError('UNSUPPORTED', 'This runtime has no WebAssembly, which resident columns need.');
  }
  return api;
}
