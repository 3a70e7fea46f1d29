import { DataRefError, invalidArgument } from '../errors.js';
import type { Leaf } from '../schema/schema.js';

const SPEC_KEYS = ['column', 'dtype', 'scale', 'oneHot'];

/** A column as a framework wants it, in the form of an object. */
export interface CheckedSpec {
  readonly column: string;
  readonly dtype?: string | undefined;
  readonly scale?: number | undefined;
  readonly oneHot?: number | undefined;
}

/**
 * What a user gave for one column: its name, or `{ column, dtype, scale, oneHot }`.
 * @param where the option and the name in it, for messages
 * @throws DataRefError INVALID_ARGUMENT
 */
export function checkColumnSpec(where: string, name: string, spec: unknown): CheckedSpec {
  if (typeof spec === 'string') return { column: spec };
  const refuse = (problem: string): never => {
    throw invalidArgument(`${where}.${name}: ${problem}`, { column: name });
  };
  if (typeof spec !== 'object' || spec === null)
    return refuse(`it must be a column's name or { ${SPEC_KEYS.join(', ')} }`);
  const unknown = Object.keys(spec).filter((key) => !SPEC_KEYS.includes(key));
  if (unknown.length > 0)
    refuse(`unknown ${unknown.map((key) => JSON.stringify(key)).join(', ')}; there are ${SPEC_KEYS.join(', ')}`);
  return spec as CheckedSpec;
}

/**
 * @param method the adapter's, and `option` its for columns, for messages
 * @param isPadded ragged columns come as one array
 * @throws DataRefError UNSUPPORTED for bytes, RAGGED for rows of differing sizes
 */
export function refuseNoTensor(
  leaf: Leaf,
  { method, option, isPadded }: { readonly method: string; readonly option: string; readonly isPadded: boolean },
): void {
  const details = { column: leaf.name };
  if (leaf.dtype === 'bytes') {
    throw new DataRefError(
      'UNSUPPORTED',
      `column ${leaf.name} holds bytes, which are no tensor: decode them with map before ${method}, or name the columns that you need: ${method}({ ${option}: { … } })`,
      { details },
    );
  }
  if (!isPadded && leaf.kind === 'ragged') {
    throw new DataRefError(
      'RAGGED',
      `column ${leaf.name} has other sizes from record to record, and a tensor has one: stream.batch(n, { ragged: 'pad' }).${method}() fills up with zeros`,
      { details },
    );
  }
}
