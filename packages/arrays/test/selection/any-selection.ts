import type { NumericDType } from '@dataref/core';
import { slice, type Index } from '@dataref/arrays';
import { arrayType } from '@dataref/core/adapter';
import { bytesOf, elementsOf, type PlainArray } from './plain-array.js';

/** Random shapes, chunks, selections and elements. */
export class Dice {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** An integer from `least` to `most`. */
  number(least: number, most: number): number {
    return least + Math.floor(this.#random() * (most - least + 1));
  }

  isBelow(chance: number): boolean {
    return this.#random() < chance;
  }

  oneOf<T>(items: readonly T[]): T {
    return items[this.number(0, items.length - 1)] as T;
  }

  /** Up to four axes; one of them is long enough that runs of it are copied at once. */
  shape(): number[] {
    const rank = this.number(0, 4);
    const long = this.isBelow(0.3) ? this.number(0, rank) : -1;
    return Array.from({ length: rank }, (_, d) =>
      this.isBelow(0.05) ? 0 : d === long ? this.number(30, 80) : this.number(1, long < 0 ? 5 : 3),
    );
  }

  chunk(shape: readonly number[]): number[] {
    return shape.map((size) => (this.isBelow(0.4) ? Math.max(1, size) : this.number(1, size + 2)));
  }

  selection(shape: readonly number[]): Index[] {
    const indices = shape.map((size) => this.#index(size));
    const kept = this.isBelow(0.3) ? this.number(0, shape.length) : shape.length;
    if (!this.isBelow(0.3)) return indices.slice(0, kept);
    const at = this.number(0, kept);
    return [...indices.slice(0, at), '...', ...indices.slice(shape.length - kept + at)];
  }

  #index(size: number): Index {
    const kind = this.#random();
    if (kind < 0.25) return this.isBelow(0.05) ? this.number(-size - 2, size + 1) : this.number(-size, size - 1);
    if (kind < 0.45) return null;
    const bound = (): number | null => (this.isBelow(0.3) ? null : this.number(-size - 2, size + 2));
    return slice(bound(), bound(), this.oneOf([null, null, 1, 2, 3, 90]));
  }

  /** Elements of any bits: NaNs of every kind among them. */
  array(dtype: NumericDType, shape: readonly number[]): PlainArray {
    const elements = elementsOf(dtype, shape);
    const bytes = new Uint8Array(elements.buffer);
    for (let i = 0; i < bytes.length; i++) bytes[i] = dtype === 'bool' ? this.number(0, 1) : this.number(0, 255);
    return { dtype, shape, elements };
  }

  /** What places are that were never written: the element, and the bits that it has. */
  fill(dtype: NumericDType): { readonly fill: number | bigint; readonly bits: number | bigint } {
    const one = dtype === 'int64' || dtype === 'uint64' ? 1n : 1;
    const array = new (arrayType(dtype))(1);
    if (this.isBelow(0.5)) array.fill(one as never);
    return { fill: array[0] as number | bigint, bits: elementsOf(dtype, [], bytesOf(array))[0] as number | bigint };
  }

  /** A shape that is broadcast to the given one, now and then one that is not. */
  valueShape(selected: readonly number[]): number[] {
    const sizes = selected.map((size) => (this.isBelow(0.3) ? 1 : size));
    const shape = this.isBelow(0.4) ? sizes.slice(this.number(0, sizes.length)) : sizes;
    if (this.isBelow(0.15)) shape.unshift(1);
    if (this.isBelow(0.05)) shape.push(2);
    return shape;
  }
}
