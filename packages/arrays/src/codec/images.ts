import { DataRefError } from '@dataref/core';
import type { ChunkForm, CodecMaker, ValuesCodec } from './codec.js';
import { integerOf } from './configuration.js';
import { damaged } from './damaged.js';
import { atMost } from './deflate.js';
import { imageSizeOf, type ImageSize } from './image-size.js';
import { sizeOf } from '../metadata/limits.js';

type Sharp = typeof import('sharp');
type Pipeline = ReturnType<Sharp>;

interface ImageFormat {
  readonly name: 'jpeg' | 'png';
  readonly channels: readonly number[];
  /** Of a side, as the library below has it. */
  readonly mostPixels: number;
  readonly usualLevel: number;
  readonly mostLevel: number;
  readonly write: (image: Pipeline, level: number) => Pipeline;
}

/**
 * Chunks as one JPEG: Python's `imagecodecs_jpeg`, from `pip install imagecodecs-zarr`.
 * libjpeg's limit is 65500 (its JPEG_MAX_DIMENSION).
 */
export const jpeg = imageCodec({
  name: 'jpeg',
  channels: [1, 3],
  mostPixels: 65_500,
  usualLevel: 90,
  mostLevel: 100,
  write: (image, quality) => image.jpeg({ quality }),
});

/** Chunks as one PNG: Python's `imagecodecs_png`. libpng's limit is a million (PNG_USER_WIDTH_MAX). */
export const png = imageCodec({
  name: 'png',
  channels: [1, 3, 4],
  mostPixels: 1_000_000,
  usualLevel: 6,
  mostLevel: 9,
  write: (image, compressionLevel) => image.png({ compressionLevel }),
});

function imageCodec(format: ImageFormat): CodecMaker {
  return (configuration, form): ValuesCodec => {
    const level = integerOf(
      `imagecodecs_${format.name}`,
      configuration,
      'level',
      format.usualLevel,
      0,
      format.mostLevel,
    );
    const size = layoutOf(format, form);
    const count = sizeOf(form.shape);
    return {
      kind: 'values',
      async encode(bytes) {
        const sharp = await loadSharp(format.name);
        const raw = { width: size.width, height: size.height, channels: size.channels as 1 | 3 | 4 };
        const image = sharp(bytes, { raw, limitInputPixels: false });
        return format.write(size.channels === 1 ? image.toColourspace('b-w') : image, Math.max(1, level)).toBuffer();
      },
      async decode(bytes) {
        const said = imageSizeOf(format.name, bytes);
        if (said.width * said.height * said.channels !== count)
          throw damaged(
            `its ${format.name} has ${said.width} × ${said.height} pixels of ${said.channels} bytes, expected ${count} bytes in all`,
          );
        const sharp = await loadSharp(format.name);
        // What sharp takes for the image's head may be another than what was read of it above.
        const limitInputPixels = said.width * said.height;
        const image = sharp(bytes, { ignoreIcc: true, limitInputPixels, failOn: 'warning' });
        const grey = said.channels <= 2 ? image.toColourspace('b-w') : image;
        return grey.raw().toBuffer();
      },
      encodedLength: atMost((byteLength) => 2 * byteLength + 2 ** 16),
    };
  };
}

/**
 * The one image that has a chunk's bytes in C order. Its rows are the chunk's; where they are too many, several of them
 * lie side by side.
 */
function layoutOf({ name, channels, mostPixels }: ImageFormat, { dtype, shape }: ChunkForm): ImageSize {
  if (dtype !== 'uint8') throw refused(`${name} stores uint8 alone, got ${dtype}`);
  if (shape.length < 2) throw refused(`${name} stores chunks of two axes or more, got [${shape.join(', ')}]`);
  const last = shape[shape.length - 1] as number;
  const isChannels = shape.length > 2 && channels.includes(last);
  const width = isChannels ? (shape[shape.length - 2] as number) : last;
  const rows = sizeOf(shape) / (width * (isChannels ? last : 1));
  for (let beside = 1; width * beside <= mostPixels && beside <= rows; beside++)
    if (rows % beside === 0 && rows / beside <= mostPixels)
      return { width: width * beside, height: rows / beside, channels: isChannels ? last : 1 };
  throw refused(
    `a chunk [${shape.join(', ')}] of ${rows} rows of ${width} pixels makes no ${name} of at most ${mostPixels} × ${mostPixels}: take fewer records a chunk`,
  );
}

async function loadSharp(format: string): Promise<Sharp> {
  try {
    return (await import('sharp')).default;
  } catch (cause) {
    throw new DataRefError('MISSING_PACKAGE', `chunks of ${format} are read and written by sharp: npm i sharp`, {
      cause,
    });
  }
}

const refused = (message: string) => new DataRefError('INVALID_ARGUMENT', `compress: ${message}`);
