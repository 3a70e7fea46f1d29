import { optionsOf, refuseUnknown } from '@dataref/core/adapter';
import type { GraphWriter, Value } from './graph-writer.js';
import { refuse, type Parameter } from './layer.js';

/** How parameters follow their gradients. The learning rate is the graph's input `lr`, float32 []. */
export interface Optimizer {
  readonly kind: string;
  /** @internal What it remembers, all zeros at first: float32. */
  readonly state: (parameters: readonly Parameter[]) => readonly { name: string; shape: readonly number[] }[];
  /** @internal Writes `NAME.out` of each parameter and of what it remembers. */
  readonly update: (g: GraphWriter, gradients: ReadonlyMap<string, Value>) => void;
}

/**
 * An optimizer's options.
 * @throws DataRefError INVALID_ARGUMENT for others, and for a learning rate, which is given elsewhere
 */
export function optimizerOptions<T extends object>(
  kind: string,
  options: T | undefined,
  known: readonly (keyof T & string)[],
): T {
  const rate = 'the learning rate is an input of the graph, lr, so that it can change: trainingLoop({ learningRate })';
  if (typeof options === 'number') refuse(`${kind}: options must be an object, got ${String(options)}; ${rate}`);
  const given = optionsOf(kind, options);
  const unknown = Object.fromEntries(Object.entries(given).filter(([name]) => !known.includes(name as never)));
  refuseUnknown(kind, unknown, known, { learningRate: rate, lr: rate });
  return given;
}
