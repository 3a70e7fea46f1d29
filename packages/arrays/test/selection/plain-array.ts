import type { NumericDType } from '@dataref/core';
import type { Index } from '@dataref/arrays';

/** The simplest array that there is, by which others are judged: elements in C order, as integers of the same bits. */
export interface PlainArray {
  readonly dtype: NumericDType;
  readonly shape: readonly number[];
  readonly elements: Bits;
}
export type Bits = Uint8Array | Uint16Array | Uint32Array | BigUint64Array;

export function elementsOf(dtype: NumericDType, shape: readonly number[], bytes?: Uint8Array): Bits {
  const width = dtype === 'bool' ? 8 : Number(/\d+$/.exec(dtype)?.[0]);
  const size = shape.reduce((a, b) => a * b, 1);
  const buffer = new ArrayBuffer((size * width) / 8);
  if (bytes !== undefined) new Uint8Array(buffer).set(bytes);
  if (width === 8) return new Uint8Array(buffer);
  if (width === 16) return new Uint16Array(buffer);
  return width === 32 ? new Uint32Array(buffer) : new BigUint64Array(buffer);
}

export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Every place of a shape, in C order. */
export function placesOf(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (places, size) => places.flatMap((place) => Array.from({ length: size }, (_, i) => [...place, i])),
    [[]],
  );
}

export interface PlainSelection {
  /** Places in the array, in C order of the result. */
  readonly places: readonly number[][];
  readonly shape: readonly number[];
}

/** What a selection selects; 'refused' where Python would not have it. */
export function plainSelect(shape: readonly number[], selection: readonly Index[]): PlainSelection | 'refused' {
  const axes = shape.length - selection.filter((index) => index !== '...').length;
  if (axes < 0) return 'refused';
  const rest = new Array<Index>(axes).fill(null);
  const full = selection.includes('...')
    ? selection.flatMap((index) => (index === '...' ? rest : [index]))
    : [...selection, ...rest];
  const chosen: number[][] = [];
  const kept: number[] = [];
  for (const [d, index] of full.entries()) {
    const all = Array.from({ length: shape[d] as number }, (_, i) => i);
    if (typeof index === 'number') {
      const place = all.at(index);
      if (place === undefined) return 'refused';
      chosen.push([place]);
      continue;
    }
    const { start, stop, step } = index === '...' || index === null ? { start: null, stop: null, step: null } : index;
    chosen.push(all.slice(start ?? undefined, stop ?? undefined).filter((_, i) => i % (step ?? 1) === 0));
    kept.push((chosen.at(-1) as number[]).length);
  }
  const places = chosen.reduce<number[][]>(
    (before, axis) => before.flatMap((place) => axis.map((p) => [...place, p])),
    [[]],
  );
  return { places, shape: kept };
}

/** Number of a place's element in C order. */
export function numberOf(place: readonly number[], shape: readonly number[]): number {
  return place.reduce((at, p, d) => at * (shape[d] as number) + p, 0);
}

/** For each element of `to` in C order, the number of the one of `from` that is broadcast to it; undefined where shapes differ. */
export function plainBroadcast(from: readonly number[], to: readonly number[]): number[] | undefined {
  const extra = from.length - to.length;
  if (from.slice(0, Math.max(0, extra)).some((n) => n !== 1)) return undefined;
  const sizes = extra >= 0 ? from.slice(extra) : [...new Array<number>(-extra).fill(1), ...from];
  if (sizes.some((n, d) => n !== 1 && n !== to[d])) return undefined;
  return placesOf(to).map((place) =>
    numberOf(
      place.map((p, d) => (sizes[d] === 1 ? 0 : p)),
      sizes,
    ),
  );
}
