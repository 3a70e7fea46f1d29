// The text form in which values are compared across languages: the shape, a bar, and the bytes as they are stored.
import { createHash } from 'node:crypto';
import { arrayType } from '../../packages/core/dist/schema/dtypes.js';
import { numberToFloat16 } from '../../packages/core/dist/schema/float16.js';
import { leavesOf } from '../../packages/core/dist/schema/schema.js';
import { disassemble } from '../../packages/core/dist/schema/structure.js';

/** Bytes in hexadecimal digits, or their SHA-256 where they are many. */
function hex(array) {
  const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  return bytes.length <= 1024 ? bytes.toString('hex') : `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** One value of a column: `2,3|00ff…` for arrays, `|2a` for scalars, `|` and the UTF-8 for strings. */
export function encodeValue(dtype, value) {
  if (dtype === 'string') return `|${hex(Buffer.from(value))}`;
  if (dtype === 'bytes') return `|${hex(value)}`;
  if (typeof value === 'object') return `${value.shape.join(',')}|${hex(value.data)}`;
  const element = dtype === 'float16' ? numberToFloat16(value) : dtype === 'bool' ? Number(value) : value;
  return `|${hex(arrayType(dtype).of(element))}`;
}

/** The values of a record's columns, in their order. */
export function encodeRecord(schema, record) {
  const leaves = leavesOf(schema);
  const values = [];
  disassemble(
    schema,
    record,
    (leaf, value) => values.push(encodeValue(leaves[leaf].dtype, value)),
    (path, problem) => {
      throw new Error(`${path}: ${problem}`);
    },
  );
  return values;
}
