import { countOf } from '../arguments.js';
import { DataRefError } from '../errors.js';
import { arrayType, type NumericDType } from '../schema/dtypes.js';
import { ndarray, type NDArray } from '../schema/ndarray.js';
import { sizesOf, type ImageArray } from './image-array.js';

/** Pixels from the top left corner. */
export interface CropBox {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/**
 * A part of an image, as an array of its own.
 * @param image [height, width] or [height, width, channels], any dtype
 * @returns the same dtype, [box.height, box.width] or [box.height, box.width, channels]
 * @throws DataRefError OUT_OF_RANGE where the box is not inside the image, INVALID_ARGUMENT
 */
export function crop<D extends NumericDType>(image: ImageArray<D>, box: CropBox): NDArray<D, readonly number[]> {
  const { height, width, channels } = sizesOf('crop', image);
  for (const name of ['top', 'left', 'height', 'width'] as const) countOf(`crop: ${name}`, box?.[name], 0);
  if (box.top + box.height > height || box.left + box.width > width) {
    throw new DataRefError(
      'OUT_OF_RANGE',
      `crop: rows ${box.top} to ${box.top + box.height} and columns ${box.left} to ${box.left + box.width} are not inside an image of ${height} × ${width}`,
      { details: { ...box } },
    );
  }
  const rowLength = box.width * channels;
  const out = new (arrayType(image.dtype))(box.height * rowLength);
  for (let y = 0; y < box.height; y++) {
    const start = ((box.top + y) * width + box.left) * channels;
    out.set(image.data.subarray(start, start + rowLength) as never, y * rowLength);
  }
  return like(image, out, [box.height, box.width, ...image.shape.slice(2)]);
}

/**
 * An image mirrored, left to right, as an array of its own.
 * @param image [height, width] or [height, width, channels], any dtype
 * @throws DataRefError INVALID_ARGUMENT
 */
export function flipLeftRight<D extends NumericDType>(image: ImageArray<D>): NDArray<D, readonly number[]> {
  const { height, width, channels } = sizesOf('flipLeftRight', image);
  const out = new (arrayType(image.dtype))(image.data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * channels;
      const to = (y * width + (width - 1 - x)) * channels;
      for (let c = 0; c < channels; c++) out[to + c] = image.data[from + c] as never;
    }
  }
  return like(image, out, image.shape);
}

function like<D extends NumericDType>(image: ImageArray<D>, data: unknown, shape: readonly number[]) {
  return ndarray(data as NDArray<D>['data'], shape, image.dtype);
}
