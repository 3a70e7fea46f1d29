import fs from 'node:fs';
import { join } from 'node:path';

/** Arrays of uint8. Slices are of five rows of chunks. */
export const ARRAYS = {
  digits: { shape: [10_000, 28, 28], chunk: [100, 28, 28] },
  photos: { shape: [2000, 64, 64, 3], chunk: [50, 64, 64, 3] },
};
export const CODECS = ['none', 'gzip', 'lz4', 'zstd'];
export const CHUNKS_OF_SLICE = 5;

/** Values of an array, the same for all: a disc with some noise in it on a black ground, or smooth colours and noise. */
export function valuesOf(name, folder) {
  const path = join(folder, `${name}.raw`);
  if (fs.existsSync(path)) return new Uint8Array(fs.readFileSync(path));
  const { shape } = ARRAYS[name];
  const [, height, width, channels = 1] = shape;
  const values = new Uint8Array(shape.reduce((product, n) => product * n, 1));
  let random = 7;
  for (let at = 0; at < values.length; at++) {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    const pixel = Math.floor(at / channels);
    const [x, y, record] = [pixel % width, Math.floor(pixel / width) % height, Math.floor(pixel / (width * height))];
    const isBlack = channels === 1 && (x - 10 - (record % 9)) ** 2 + (y - 14) ** 2 > 36;
    if (!isBlack)
      values[at] = 100 + 80 * Math.sin((x + record) / 9 + (at % channels)) * Math.cos(y / 7) + (random >>> 28);
  }
  fs.writeFileSync(path, values);
  return values;
}
