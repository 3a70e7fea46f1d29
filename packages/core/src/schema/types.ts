import type { ArrayTypes, DType, NumericDType, TypedArray } from './dtypes.js';
import type { NDArray } from './ndarray.js';

/** Dimensions of one record; null where they differ from record to record. */
export type Shape = readonly (number | null)[];
export interface Field<D extends DType = DType, S extends Shape = Shape> {
  readonly dtype: D;
  readonly shape: S;
}
export type Schema = Field | SchemaTuple | SchemaObject;
// Interfaces, not type literals: a recursive type alias makes ordinary callbacks "excessively deep" (TS2589).
export interface SchemaTuple extends ReadonlyArray<Schema> {}
export interface SchemaObject {
  readonly [name: string]: Schema;
}

export type Any<S, Then, Else> = 0 extends 1 & S ? Then : Else;
type Concrete<S extends Shape> = {
  readonly [K in keyof S]: number extends S[K] ? number : S[K] extends number ? S[K] : number;
};
type Element<D extends DType> = D extends 'string'
  ? string
  : D extends 'bytes'
    ? Uint8Array
    : D extends 'bool'
      ? boolean
      : D extends 'int64' | 'uint64'
        ? bigint
        : number;
export type DTypeOf<A> = A extends Int8Array
  ? 'int8'
  : A extends Uint8Array | Uint8ClampedArray
    ? 'uint8'
    : A extends Int16Array
      ? 'int16'
      : A extends Uint16Array
        ? 'uint16'
        : A extends Int32Array
          ? 'int32'
          : A extends Uint32Array
            ? 'uint32'
            : A extends BigInt64Array
              ? 'int64'
              : A extends BigUint64Array
                ? 'uint64'
                : A extends Float32Array
                  ? 'float32'
                  : A extends Float64Array
                    ? 'float64'
                    : never;

/** What one record looks like: what iteration of a Stream yields. */
export type RecordOf<S> = Any<
  S,
  any,
  S extends Field<infer D, infer Sh>
    ? Sh extends readonly []
      ? Element<D>
      : NDArray<Extract<D, NumericDType>, Concrete<Sh>>
    : { -readonly [K in keyof S]: RecordOf<S[K]> }
>;

type Lists<E, S extends Shape> = S extends readonly [unknown, ...infer Rest extends Shape]
  ? readonly Lists<E, Rest>[]
  : S extends readonly []
    ? E
    : readonly any[];
type InputArray<D extends NumericDType, S extends Shape> =
  | NDArray<D, Concrete<S>>
  | Lists<Element<D>, S>
  | (1 extends S['length'] ? ArrayTypes[D] | (D extends 'uint8' | 'bool' ? Uint8ClampedArray : never) : never);

/** What a record may look like where it is stored under a schema: a vector may be a typed array, and any array nested lists. */
export type InputOf<S> = Any<
  S,
  any,
  S extends Field<infer D, infer Sh>
    ? D extends NumericDType
      ? Sh extends readonly []
        ? Element<D> | NDArray<D, readonly []>
        : InputArray<D, Sh>
      : Element<D>
    : { readonly [K in keyof S]: InputOf<S[K]> }
>;

/** Records, from anywhere. */
export type Records<T> = readonly T[] | Iterable<T> | AsyncIterable<T>;

declare const padded: unique symbol;
/** Of types alone: a ragged column whose batches are padded to one array. */
export interface Padded {
  readonly [padded]: true;
}
/** The schema of batches whose ragged columns are padded: `batch(n, { ragged: 'pad' })`. */
export type PaddedSchema<S> = Any<
  S,
  any,
  S extends Field<infer D, infer Sh>
    ? D extends NumericDType
      ? null extends Sh[number]
        ? S & Padded
        : S
      : S
    : { readonly [K in keyof S]: PaddedSchema<S[K]> }
>;
/** The schema of the records of such batches. */
export type UnpaddedSchema<S> = Any<
  S,
  any,
  S extends Field<infer D, infer Sh>
    ? S extends Padded
      ? Field<D, Sh>
      : S
    : { readonly [K in keyof S]: UnpaddedSchema<S[K]> }
>;

/**
 * What a batch looks like: the record's structure, one array a leaf, the batch along axis 0; ragged leaves stay lists,
 * unless they are padded.
 */
export type ColumnsOf<S> = Any<
  S,
  any,
  S extends Field<infer D, infer Sh>
    ? D extends 'string'
      ? readonly string[]
      : D extends 'bytes'
        ? readonly Uint8Array[]
        : D extends NumericDType
          ? null extends Sh[number]
            ? S extends Padded
              ? NDArray<D, readonly [number, ...Concrete<Sh>]>
              : readonly NDArray<D, Concrete<Sh>>[]
            : NDArray<D, readonly [number, ...Concrete<Sh>]>
          : never
    : { readonly [K in keyof S]: ColumnsOf<S[K]> }
>;

/** Schema of a JS record. number → float64, bigint → int64, Uint8Array → bytes, other typed arrays → vectors, NDArray → itself. */
export type SchemaOf<R> = Any<
  R,
  any,
  R extends NDArray<infer D, infer Sh>
    ? Field<D, Sh>
    : R extends number
      ? Field<'float64', readonly []>
      : R extends bigint
        ? Field<'int64', readonly []>
        : R extends boolean
          ? Field<'bool', readonly []>
          : R extends string
            ? Field<'string', readonly []>
            : R extends Uint8Array
              ? Field<'bytes', readonly []>
              : R extends TypedArray
                ? Field<DTypeOf<R>, readonly [number]>
                : R extends object
                  ? { readonly [K in keyof R]: SchemaOf<R[K]> }
                  : never
>;

export type Column = TypedArray | NDArray | readonly (number | bigint | boolean | string | Uint8Array | NDArray)[];
export type Columns = Column | { readonly [name: string]: Columns };
export type SchemaOfColumns<C> =
  C extends NDArray<infer D, infer Sh>
    ? Sh extends readonly [unknown, ...infer Rest extends Shape]
      ? Field<D, readonly [...Rest]>
      : Field<D>
    : C extends TypedArray
      ? Field<DTypeOf<C>, readonly []>
      : C extends readonly (infer E)[]
        ? SchemaOf<E>
        : { readonly [K in keyof C]: SchemaOfColumns<C[K]> };

/** A schema with only some of its columns. */
export type SelectedSchema<S extends Schema, K extends PropertyKey> = Any<
  S,
  any,
  { readonly [P in K]: P extends keyof S ? Extract<S[P], Schema> : never }
>;

/** 'image', or 'xs.image' where records nest. */
export type ColumnPath<S> = Any<
  S,
  string,
  S extends Field
    ? never
    : { [K in keyof S & string]: S[K] extends Field ? K : `${K}.${ColumnPath<S[K]>}` }[keyof S & string]
>;
/** A column as a framework wants it: by name, or with a conversion. */
export type ColumnSpec<S> =
  | ColumnPath<S>
  | {
      readonly column: ColumnPath<S>;
      readonly dtype?: NumericDType | undefined;
      /** Multiplies every value, in float32 or float64. */
      readonly scale?: number | undefined;
      /** Number of classes: a scalar integer column becomes float32[oneHot]. */
      readonly oneHot?: number | undefined;
    };

export type Awaitable<T> = T | PromiseLike<T>;
export type { ArrayTypes };
