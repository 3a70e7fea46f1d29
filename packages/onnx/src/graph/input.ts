import { optionsOf, refuseUnknown } from '@dataref/core/adapter';
import type { GraphWriter, Value } from './graph-writer.js';
import { refuse, type RowShape } from './layer.js';
import { DATA_TYPE, type GraphDType } from './onnx-fields.js';
import { inFloat32, inputName, isFloat32, oneOf, rowShapeOf } from './options.js';

export interface InputOptions {
  readonly name: string;
  /** Other than the default, float32, it is cast in the graph, which is faster than converting in JavaScript. */
  readonly dtype?: GraphDType | undefined;
  /** Sizes of one row, without the batch. */
  readonly shape: RowShape;
  /** What each number is multiplied with in the graph, after the cast; default 1. For pixels of a byte, 1 / 255. */
  readonly scale?: number | undefined;
}

/** The rows that go in. */
export interface InputRows {
  readonly name: string;
  readonly row: RowShape;
  /** Writes the input, and returns it as float32. */
  write(g: GraphWriter, batch: number | string): Value;
}

/** @throws DataRefError INVALID_ARGUMENT */
export function inputOf(options: InputOptions): InputRows {
  const { name, dtype = 'float32', shape, scale = 1, ...unknown } = optionsOf('sequential: input', options);
  refuseUnknown('sequential: input', unknown, ['name', 'dtype', 'shape', 'scale']);
  inputName('sequential: input.name', name);
  oneOf('sequential: input.dtype', dtype, Object.keys(DATA_TYPE) as GraphDType[]);
  const row = rowShapeOf('sequential: input.shape', shape);
  if (typeof scale !== 'number' || !isFloat32(scale) || scale === 0)
    refuse(`sequential: input.scale must be a number other than 0, got ${String(scale)}${inFloat32(scale)}`);
  return {
    name,
    row,
    write(g, batch) {
      const given = g.input(name, dtype, [batch, ...row]);
      const x = dtype === 'float32' ? given : g.cast(given, 'float32');
      return scale === 1 ? x : g.op('Mul', [x, g.float(scale)]);
    },
  };
}
