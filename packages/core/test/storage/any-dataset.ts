import * as fc from 'fast-check';
import { ndarray, type Field, type NumericDType, type Schema } from '@dataref/core';
import { arrayType, DTYPES, isNumericDType } from '../../dist/schema/dtypes.js';
import { numberToFloat16, float16ToNumber } from '../../dist/schema/float16.js';

/** A schema and records that fit it. Their type is known at run time alone. */
export interface AnyDataset {
  readonly schema: Schema;
  readonly records: readonly never[];
}

const NUMERIC = DTYPES.filter(isNumericDType);

const size = fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 4 }) }, fc.constant(0));
const raggedSize = fc.oneof(fc.constant(null), fc.constant(null), size);
/** Records of 1 to 33 bytes, and their like in wider dtypes: the kernel's tails. */
const vector = fc.integer({ min: 1, max: 33 }).map((n) => [n] as (number | null)[]);

const field: fc.Arbitrary<Field> = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom<Field>({ dtype: 'string', shape: [] }, { dtype: 'bytes', shape: [] }) },
  {
    weight: 7,
    arbitrary: fc.record({
      dtype: fc.constantFrom(...NUMERIC),
      shape: fc.oneof(
        { weight: 3, arbitrary: fc.constant<(number | null)[]>([]) },
        { weight: 3, arbitrary: vector },
        { weight: 2, arbitrary: fc.array(size, { minLength: 1, maxLength: 3 }) },
        { weight: 2, arbitrary: fc.constant<(number | null)[]>([null]) },
        { weight: 2, arbitrary: fc.array(raggedSize, { minLength: 2, maxLength: 3 }) },
      ),
    }),
  },
);

/** Of any character: fc.string({ unit: 'binary' }) takes a second to make its table of all of them. */
const codePoint = fc.oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }));

const key = fc.oneof(
  { weight: 8, arbitrary: fc.stringMatching(/^[a-z][a-z0-9]{0,3}$/) },
  fc.constantFrom('0', '17', 'value', 'dtype', 'a b', 'ü', '🎈', '"', '\\', 'constructor', 'toString', 'length'),
);

const schemaOfDepth = (depth: number): fc.Arbitrary<Schema> =>
  depth === 0
    ? field
    : fc.oneof(
        { weight: 3, arbitrary: field },
        {
          weight: 3,
          arbitrary: fc.dictionary(key, schemaOfDepth(depth - 1), { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
        },
        { weight: 1, arbitrary: fc.array(schemaOfDepth(depth - 1), { minLength: 1, maxLength: 3 }) },
      );

/** Bare values, tuples, objects and nests of them. */
export const anySchema: fc.Arbitrary<Schema> = schemaOfDepth(3);

const wellFormed = fc.oneof(
  fc.array(codePoint, { maxLength: 12 }).map((points) => String.fromCodePoint(...points)),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom('', '\ufeff', '\ufeffa\ufeff', '\0', '\ufffd', '\u{10ffff}'),
);

function scalarOf(dtype: NumericDType): fc.Arbitrary<unknown> {
  switch (dtype) {
    case 'bool':
      return fc.boolean();
    case 'int64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case 'uint64':
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    case 'float16':
      return fc.nat({ max: 0xffff }).map((bits) => float16ToNumber(numberToFloat16(float16ToNumber(bits))));
    case 'float32':
      return fc.float();
    case 'float64':
      return fc.double();
    default: {
      const bits = Number(/\d+/u.exec(dtype));
      const isSigned = dtype.startsWith('int');
      const low = isSigned ? -(2 ** (bits - 1)) : 0;
      return fc.oneof(fc.constantFrom(low, low + 2 ** bits - 1), fc.integer({ min: low, max: low + 2 ** bits - 1 }));
    }
  }
}

/** Elements from a byte pattern, so that NaN payloads and every bit count too. */
function arrayOf({ dtype, shape }: Field): fc.Arbitrary<unknown> {
  const dimensions = fc.tuple(...shape.map((n) => (n === null ? fc.nat({ max: 4 }) : fc.constant(n))));
  return fc.tuple(dimensions, fc.integer()).map(([sizes, seed]) => {
    const count = sizes.reduce((product, n) => product * n, 1);
    const data = new (arrayType(dtype))(count);
    const bytes = new Uint8Array(data.buffer);
    let state = seed | 1;
    for (let i = 0; i < bytes.length; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      bytes[i] = dtype === 'bool' ? (state >>> 31) & 1 : state >>> 24;
    }
    return ndarray(data as Uint8Array, sizes, dtype as 'uint8');
  });
}

export function anyRecord(schema: Schema): fc.Arbitrary<unknown> {
  if (isFieldOf(schema)) {
    if (schema.dtype === 'string') return wellFormed;
    if (schema.dtype === 'bytes') return fc.uint8Array({ maxLength: 20 }).map((bytes) => Uint8Array.from(bytes));
    return schema.shape.length === 0 ? scalarOf(schema.dtype) : arrayOf(schema);
  }
  if (Array.isArray(schema)) return fc.tuple(...schema.map((child: Schema) => anyRecord(child)));
  return fc.record(Object.fromEntries(Object.entries(schema).map(([name, child]) => [name, anyRecord(child)])), {
    noNullPrototype: true,
  });
}

/** Datasets of 0 to `maxRecords` records of any schema. */
export function anyDataset(maxRecords: number): fc.Arbitrary<AnyDataset> {
  return anySchema.chain((schema) =>
    fc.array(anyRecord(schema), { maxLength: maxRecords }).map((records) => ({ schema, records: records as never[] })),
  );
}

function isFieldOf(schema: Schema): schema is Field {
  const { dtype, shape } = schema as { dtype?: unknown; shape?: unknown };
  return typeof dtype === 'string' && Array.isArray(shape);
}

/** A value as text: the same for the same dtype, shape, bits and structure, and different for others. */
export function exactly(value: unknown): string {
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return `${Object.prototype.toString.call(value)}:${bytes.join(' ')}`;
  }
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  if (Array.isArray(value)) return `[${value.map(exactly).join(',')}]`;
  const entries = Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}:${exactly(item)}`);
  return `{${entries.join(',')}}`;
}
