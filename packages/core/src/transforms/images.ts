import { countOf, describeValue, oneOf, optionsOf } from '../arguments.js';
import { DataRefError, invalidArgument } from '../errors.js';
import { ndarray, type NDArray } from '../schema/ndarray.js';
import { sizesOf, type ImageArray } from './image-array.js';

type Sharp = typeof import('sharp');

export interface DecodeOptions {
  /** 1 grey, 3 colours, 4 colours and opacity. Default 3. */
  readonly channels?: 1 | 3 | 4 | undefined;
}

export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** Pixels in one image, at most: a small file can claim to be a vast image. */
const MAX_PIXELS = 2 ** 28;

/**
 * The pixels of an encoded image: JPEG, PNG, WebP, GIF, AVIF, TIFF. Through sharp, an optional peer.
 * @returns uint8[height, width, channels]
 * @throws DataRefError CORRUPT for bytes that are no image, INVALID_ARGUMENT for what is no bytes, MISSING_PACKAGE
 */
export async function decodeImage(
  bytes: Uint8Array,
  options?: DecodeOptions,
): Promise<NDArray<'uint8', readonly [number, number, number]>> {
  const { channels = 3 } = optionsOf('decodeImage', options);
  oneOf('decodeImage: channels', channels, [1, 3, 4]);
  // Sharp would open the file that a text names.
  if (Object.prototype.toString.call(bytes) !== '[object Uint8Array]')
    throw invalidArgument(
      `decodeImage needs the bytes of an image, a Uint8Array, got ${describeValue(bytes)}; in a map: map(async ({ image }) => ({ image: await decodeImage(image) }))`,
    );
  const sharp = await loadSharp();
  try {
    const image = sharp(bytes, { limitInputPixels: MAX_PIXELS }).toColourspace(channels === 1 ? 'b-w' : 'srgb');
    const shaped = channels === 4 ? image.ensureAlpha() : image.removeAlpha();
    const { data, info } = await shaped.raw().toBuffer({ resolveWithObject: true });
    return pixels(data, info);
  } catch (cause) {
    throw new DataRefError('CORRUPT', `decodeImage: ${bytes.length} bytes are no image: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/**
 * An image in another size, by Lanczos' filter, whatever its proportions. Through sharp, an optional peer.
 * @param image uint8[height, width, channels] or uint8[height, width], of 1 to 4 channels
 * @returns uint8[size.height, size.width, channels]
 * @throws DataRefError INVALID_ARGUMENT, MISSING_PACKAGE
 */
export async function resizeImage(
  image: ImageArray<'uint8'>,
  size: ImageSize,
): Promise<NDArray<'uint8', readonly [number, number, number]>> {
  const { height, width, channels } = sizesOf('resizeImage', image);
  if (image.dtype !== 'uint8' || height === 0 || width === 0 || channels < 1 || channels > 4) {
    throw invalidArgument(
      `resizeImage needs an image uint8[height, width, channels] with at least one pixel and 1 to 4 channels, got ${image.dtype}[${image.shape.join(', ')}]`,
    );
  }
  countOf('resizeImage: height', size?.height, 1, 2 ** 16);
  countOf('resizeImage: width', size?.width, 1, 2 ** 16);
  const sharp = await loadSharp();
  const raw = { width, height, channels: channels as 1 | 2 | 3 | 4 };
  const { data, info } = await sharp(image.data, { raw })
    .resize({ ...size, fit: 'fill' })
    .toColourspace(channels < 3 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return pixels(data, info);
}

function pixels(data: Uint8Array, { height, width, channels }: { height: number; width: number; channels: number }) {
  return ndarray(new Uint8Array(data), [height, width, channels] as const); // an array of its own, not of a pool
}

async function loadSharp(): Promise<Sharp> {
  try {
    return (await import('sharp')).default;
  } catch (cause) {
    throw new DataRefError('MISSING_PACKAGE', 'images are decoded and resized by sharp: npm i sharp', { cause });
  }
}
