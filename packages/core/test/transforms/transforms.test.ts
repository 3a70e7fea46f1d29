import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { fromColumns, fromRecords, ndarray } from '@dataref/core';
import { crop, decodeImage, flipLeftRight, normalise, oneHot, resizeImage } from '@dataref/core/transforms';
import * as fc from 'fast-check';
import sharp from 'sharp';
import { failure } from '../expect-error.js';
import { gather } from '../stream/gather.js';
import { tempFolder } from '../temp-folder.js';

const image = ndarray(
  Uint8Array.from({ length: 24 }, (_, i) => i),
  [2, 4, 3],
);

describe('crop and flip', () => {
  test('crop gives the pixels of the box', () => {
    const part = crop(image, { top: 1, left: 1, height: 1, width: 2 });
    expect([part.shape, [...part.data]]).toEqual([
      [1, 2, 3],
      [15, 16, 17, 18, 19, 20],
    ]);
    expect(
      crop(ndarray(new Float32Array([1, 2, 3, 4]), [2, 2]), { top: 0, left: 1, height: 2, width: 1 }).shape,
    ).toEqual([2, 1]);
  });
  test('crop refuses a box outside of the image', () => {
    expect(() => crop(image, { top: 1, left: 0, height: 2, width: 1 })).toThrow(failure('OUT_OF_RANGE', /rows 1 to 3/));
    expect(() => crop(image, { top: -1, left: 0, height: 2, width: 1 })).toThrow(failure('INVALID_ARGUMENT', /top/));
    expect(() => crop('x' as never, { top: 0, left: 0, height: 1, width: 1 })).toThrow(
      failure('INVALID_ARGUMENT', /needs an image/),
    );
  });
  test('a flip changes every place, and two change nothing', () => {
    fc.assert(
      fc.property(fc.nat({ max: 5 }), fc.nat({ max: 5 }), fc.nat({ max: 3 }), (height, width, channels) => {
        const any = ndarray(
          Int16Array.from({ length: height * width * channels }, (_, i) => i),
          [height, width, channels],
        );
        const flipped = flipLeftRight(any);
        expect(flipLeftRight(flipped)).toEqual(any);
        if (height * width * channels > 0) expect(flipped.data[0]).toBe(any.data[(width - 1) * channels]);
      }),
    );
  });
});

describe('numbers', () => {
  test('normalise takes the mean of each channel away and divides by its deviation', () => {
    expect([
      ...normalise(ndarray(new Uint8Array([10, 20, 30, 40]), [2, 2]), { mean: [10, 0], std: [2, 10] }).data,
    ]).toEqual([0, 2, 10, 4]);
    expect(normalise(image, { mean: 5, std: 2 }).data[7]).toBe(1);
    expect(() => normalise(image, { mean: 5, std: 0 })).toThrow(failure('INVALID_ARGUMENT', /std has a 0/));
    expect(() => normalise(image, { mean: [1, 2], std: 1 })).toThrow(
      failure('INVALID_ARGUMENT', /mean must be a number, or 3/),
    );
  });
  test('normalise refuses what are no options by name', () => {
    expect(() => normalise(image, undefined as never)).toThrow(failure('INVALID_ARGUMENT', /normalise: mean must be/));
    expect(() => normalise(image, null as never)).toThrow(failure('INVALID_ARGUMENT', /normalise: options must be/));
  });
  test('oneHot has one 1', () => {
    expect([...oneHot(2, 4).data]).toEqual([0, 0, 1, 0]);
    expect([...oneHot(0n, 1).data]).toEqual([1]);
    for (const label of [4, -1, 0.5, NaN])
      expect(() => oneHot(label, 4)).toThrow(failure('LOSSY_CAST', /not one of 4/));
  });
});

describe('images through sharp', () => {
  const png = (): Promise<Uint8Array> =>
    sharp(image.data, { raw: { width: 4, height: 2, channels: 3 } })
      .png()
      .toBuffer();
  test('what was encoded without loss comes back', async () => {
    const decoded = await decodeImage(await png());
    expect([decoded.dtype, decoded.shape, [...decoded.data]]).toEqual(['uint8', [2, 4, 3], [...image.data]]);
    expect((await decodeImage(await png(), { channels: 1 })).shape).toEqual([2, 4, 1]);
    expect((await decodeImage(await png(), { channels: 4 })).data[3]).toBe(255);
  });
  test('what is called in the place of a map says how it is called in one', async () => {
    const others: [unknown, string][] = [['image', '"image"'], [{ image: 5 }, 'an object'], [undefined, 'undefined']]; // prettier-ignore
    for (const [given, got] of others)
      await expect(decodeImage(given as never)).rejects.toEqual(
        failure('INVALID_ARGUMENT', new RegExp(`needs the bytes of an image, a Uint8Array, got ${got}; in a map: map`)),
      );
    expect(() => flipLeftRight({ image: 1 } as never)).toThrow(
      failure('INVALID_ARGUMENT', /got an object; in a map: map\(\(\{ image \}\) => \(\{ image: flipLeftRight\(image/),
    );
    expect(() => normalise({ mean: 0, std: 1 } as never, undefined as never)).toThrow(
      failure('INVALID_ARGUMENT', /needs an NDArray, got an object; in a map: map/),
    );
    expect(() =>
      fromColumns([1])
        .stream()
        .map(Promise.resolve(1) as never),
    ).toThrow(failure('INVALID_ARGUMENT', /map needs a function.*got a Promise.*map\(\(record\) => …\)/));
  });

  test('nothing but bytes is decoded: a text would be the name of a file', async () => {
    const path = join(tempFolder(), 'secret.png');
    writeFileSync(path, await png());
    for (const given of [path, { input: path }, [await png()], new DataView(new ArrayBuffer(9)), null, undefined])
      await expect(decodeImage(given as never)).rejects.toEqual(
        failure('INVALID_ARGUMENT', /needs the bytes of an image, a Uint8Array, got/),
      );
  });
  test('bad options are refused by name', async () => {
    const bytes = await png();
    await expect(decodeImage(bytes, null as never)).rejects.toEqual(failure('INVALID_ARGUMENT', /options must be/));
    await expect(decodeImage(bytes, { channels: 2 as never })).rejects.toEqual(failure('INVALID_ARGUMENT', /channels/));
  });
  test.each([
    ['five channels', ndarray(new Uint8Array(20), [2, 2, 5])],
    ['no channel', ndarray(new Uint8Array(0), [2, 2, 0])],
    ['no row', ndarray(new Uint8Array(0), [0, 2, 3])],
    ['no column', ndarray(new Uint8Array(0), [2, 0])],
    ['numbers of another dtype', ndarray(Float32Array.of(0.5, 0.25), [1, 2])],
  ])('resizeImage refuses an image of %s', async (_, given) => {
    await expect(resizeImage(given as never, { height: 2, width: 2 })).rejects.toEqual(
      failure('INVALID_ARGUMENT', /resizeImage needs an image uint8\[height, width, channels\].*got (uint8|float32)\[/),
    );
  });
  test('bytes that are no image are refused, also in part', async () => {
    await expect(decodeImage(new Uint8Array(10))).rejects.toEqual(failure('CORRUPT', /10 bytes are no image/));
    await expect(decodeImage((await png()).subarray(0, 60))).rejects.toEqual(failure('CORRUPT', /no image/));
  });
  test('resized images have the size, and images of one colour keep it', async () => {
    const grey = ndarray(new Uint8Array(5 * 7).fill(90), [5, 7]);
    const resized = await resizeImage(grey, { height: 3, width: 4 });
    expect([resized.shape, [...resized.data]]).toEqual([[3, 4, 1], Array.from({ length: 12 }, () => 90)]);
  });
  test('in a stream of encoded images', async () => {
    const stored = await fromRecords([{ bytes: await png(), label: 1 }]);
    const stream = stored
      .stream()
      .map(async ({ bytes, label }) => ({ image: flipLeftRight(await decodeImage(bytes)), label: oneHot(label, 3) }));
    const [batch] = await gather(stream.batch(1));
    expect(batch?.columns.image.shape).toEqual([1, 2, 4, 3]);
    expect([...(batch?.columns.label.data ?? [])]).toEqual([0, 1, 0]);
  });
});
