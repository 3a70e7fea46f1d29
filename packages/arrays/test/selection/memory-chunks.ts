import type { ArrayTypes, NumericDType } from '@dataref/core';
import { arrayType } from '@dataref/core/adapter';
import type { ChunkReadOptions, ChunkSource } from '../../dist/chunks/chunk-source.js';
import type { ChunkWrite } from '../../dist/selection/copy.js';
import { elementsOf, placesOf, type Bits, type PlainArray } from './plain-array.js';

/** An array's chunks in memory, and which were read. */
export class MemoryChunks implements ChunkSource {
  readonly dtype: NumericDType;
  readonly shape: readonly number[];
  readonly chunk: readonly number[];
  readonly reads: string[] = [];
  readonly chunks = new Map<string, ArrayTypes[NumericDType]>();
  #given = 0;

  constructor(dtype: NumericDType, shape: readonly number[], chunk: readonly number[]) {
    this.dtype = dtype;
    this.shape = shape;
    this.chunk = chunk;
  }

  /** Of memory that it is given it takes every second one, and leaves anything in the others. */
  async readChunk(
    place: readonly number[],
    { into }: ChunkReadOptions = {},
  ): Promise<ArrayTypes[NumericDType] | undefined> {
    this.reads.push(String(place));
    const values = this.chunks.get(String(place));
    if (into === undefined || values === undefined) return Promise.resolve(values);
    if (into.length !== values.byteLength) throw new Error(`given ${into.length} bytes for ${values.byteLength}`);
    if (this.#given++ % 2 === 0) {
      into.fill(0xee);
      return Promise.resolve(values);
    }
    into.set(new Uint8Array(values.buffer));
    const Class = arrayType(this.dtype);
    return Promise.resolve(new Class(into.buffer, into.byteOffset, values.length));
  }

  /** Does what a plan says, reading only what it must. */
  write(writes: Iterable<ChunkWrite<NumericDType>>): void {
    for (const write of writes) {
      const key = String(write.place);
      this.chunks.set(key, write.apply(write.isWhole ? undefined : this.chunks.get(key)));
    }
  }

  /** Writes all of a plain array, element by element. */
  fillFrom({ elements }: PlainArray): void {
    placesOf(this.shape).forEach((place, i) => {
      const key = this.keyOf(place);
      const chunk = this.chunks.get(key) ?? new (arrayType(this.dtype))(this.#size);
      this.chunks.set(key, chunk);
      this.#bitsOf(chunk)[this.#within(place)] = elements[i] as never;
    });
  }

  /** All elements as they are now, one by one. @param fill the bits of places that were never written */
  toPlain(fill: number | bigint): PlainArray {
    const elements = elementsOf(this.dtype, this.shape);
    placesOf(this.shape).forEach((place, i) => {
      const chunk = this.chunks.get(this.keyOf(place));
      elements[i] = (chunk === undefined ? fill : this.#bitsOf(chunk)[this.#within(place)]) as never;
    });
    return { dtype: this.dtype, shape: this.shape, elements };
  }

  /** The chunk that an element is in. */
  keyOf(place: readonly number[]): string {
    return String(place.map((p, d) => Math.floor(p / (this.chunk[d] as number))));
  }

  get #size(): number {
    return this.chunk.reduce((a, b) => a * b, 1);
  }

  #bitsOf(chunk: ArrayTypes[NumericDType]): Bits {
    const Class = elementsOf(this.dtype, [0]).constructor as new (buffer: ArrayBufferLike) => Bits;
    return new Class(chunk.buffer);
  }

  #within(place: readonly number[]): number {
    return place.reduce((at, p, d) => at * (this.chunk[d] as number) + (p % (this.chunk[d] as number)), 0);
  }
}
