import { countOf, describeValue, optionsOf } from '../arguments.js';
import { DataRefError, invalidArgument } from '../errors.js';
import { float16ToNumber } from '../schema/float16.js';
import { isNDArray, ndarray, type NDArray } from '../schema/ndarray.js';

export interface Normalisation {
  /** One number, or one for each channel: the last dimension. */
  readonly mean: number | readonly number[];
  /** As `mean`; none may be 0. */
  readonly std: number | readonly number[];
}

/**
 * Numbers with the mean taken away, divided by the standard deviation: `(x - mean) / std`.
 * @param array any numeric dtype, any shape
 * @returns float32, the same shape
 * @throws DataRefError INVALID_ARGUMENT
 */
export function normalise(array: NDArray, options: Normalisation): NDArray<'float32', readonly number[]> {
  if (!isNDArray(array))
    throw invalidArgument(
      `normalise needs an NDArray, got ${describeValue(array)}; in a map: map(({ image }) => ({ image: normalise(image, { mean: 127, std: 64 }) }))`,
    );
  const { mean, std } = optionsOf('normalise', options) as Partial<Normalisation>;
  const shape = array.shape as readonly number[];
  const channels = shape.at(-1) ?? 1;
  const means = perChannel('mean', mean, channels);
  const stds = perChannel('std', std, channels);
  if (stds.includes(0)) throw invalidArgument('normalise: std has a 0, by which nothing can be divided');
  const out = new Float32Array(array.data.length);
  for (let i = 0; i < out.length; i++) {
    const value = array.dtype === 'float16' ? float16ToNumber(array.data[i] as number) : Number(array.data[i]);
    out[i] = (value - (means[i % means.length] as number)) / (stds[i % stds.length] as number);
  }
  return ndarray(out, shape);
}

/**
 * A class number as a vector that is 0 but for a 1 at its place.
 * @param label an integer from 0 to classes − 1
 * @returns float32[classes]
 * @throws DataRefError LOSSY_CAST for a label that is no class, INVALID_ARGUMENT
 */
export function oneHot(label: number | bigint, classes: number): NDArray<'float32', readonly [number]> {
  countOf('oneHot: classes', classes, 1, 2 ** 24);
  const place = Number(label);
  if (!(Number.isInteger(place) && place >= 0 && place < classes))
    throw new DataRefError('LOSSY_CAST', `oneHot: ${String(label)} is not one of ${classes} classes`);
  const out = new Float32Array(classes);
  out[place] = 1;
  return ndarray(out, [classes]);
}

function perChannel(what: string, given: number | readonly number[] | undefined, channels: number): readonly number[] {
  const list = typeof given === 'number' ? [given] : given;
  const isRight = Array.isArray(list) && list.every(Number.isFinite) && (list.length === 1 || list.length === channels);
  if (isRight) return list;
  throw invalidArgument(
    `normalise: ${what} must be a number, or ${channels} of them, one a channel, got ${JSON.stringify(given)}`,
  );
}
