import { describeValue } from '../arguments.js';
import { invalidArgument } from '../errors.js';
import { isNDArray, type NDArray } from '../schema/ndarray.js';
import type { NumericDType } from '../schema/dtypes.js';

/** An image: [height, width] or [height, width, channels], any dtype. */
export type ImageArray<D extends NumericDType = NumericDType> = NDArray<D, readonly number[]>;

export interface ImageSizes {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** @throws DataRefError INVALID_ARGUMENT for what is no image */
export function sizesOf(what: string, image: ImageArray): ImageSizes {
  const { shape } = isNDArray(image) ? image : { shape: [] as readonly number[] };
  const [height, width, channels = 1] = shape;
  if (height !== undefined && width !== undefined && shape.length <= 3) return { height, width, channels };
  throw invalidArgument(
    `${what} needs an image, an NDArray [height, width] or [height, width, channels], got ${isNDArray(image) ? `[${shape.join(', ')}]` : `${describeValue(image)}; in a map: map(({ image }) => ({ image: ${what}(image, …) }))`}`,
  );
}
