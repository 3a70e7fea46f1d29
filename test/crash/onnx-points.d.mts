import type { DataRef } from '@dataref/core';
import type { Sequential } from '@dataref/onnx/graph';

export const BATCH: number;
export const STREAM: { readonly shuffle: true; readonly shuffleSeed: number };
export const threads: {
  readonly intraOpNumThreads: 1;
  readonly interOpNumThreads: 1;
  readonly executionMode: 'sequential';
};
export function rateAt(step: number): number;
export const points: DataRef;
export const network: Sequential;
