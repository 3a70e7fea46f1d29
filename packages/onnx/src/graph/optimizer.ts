import type { GraphWriter, Value } from './graph-writer.js';
import type { Parameter } from './layer.js';

/** How parameters follow their gradients. The learning rate is the graph's input `lr`, float32 []. */
export interface Optimizer {
  readonly kind: string;
  /** @internal What it remembers, all zeros at first: float32. */
  readonly state: (parameters: readonly Parameter[]) => readonly { name: string; shape: readonly number[] }[];
  /** @internal Writes `NAME.out` of each parameter and of what it remembers. */
  readonly update: (g: GraphWriter, gradients: ReadonlyMap<string, Value>) => void;
}
