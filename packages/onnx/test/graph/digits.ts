import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { ndarray } from '@dataref/core';
import type { Arrays } from './run.js';

const require = createRequire(import.meta.url);

/** Real digits, `count` of each, one of each after another; 28 × 28 pixels of a byte. */
export async function realDigits(count: number): Promise<(start: number, length: number) => Arrays> {
  const images = new Uint8Array(count * 10 * 784);
  for (let label = 0; label < 10; label++) {
    const text = await readFile(require.resolve(`mnist/src/digits/${label}.json`), 'utf8');
    const { data } = JSON.parse(text) as { data: number[] };
    for (let i = 0; i < count; i++)
      images.set(
        data.slice(i * 784, (i + 1) * 784).map((value) => Math.round(value * 255)),
        (i * 10 + label) * 784,
      );
  }
  const labels = Int32Array.from({ length: count * 10 }, (_, i) => i % 10);
  return (start, length) => ({
    image: ndarray(images.subarray(start * 784, (start + length) * 784), [length, 28, 28]),
    label: ndarray(labels.subarray(start, start + length), [length]),
    mask: ndarray(new Float32Array(length).fill(1), [length]),
  });
}
