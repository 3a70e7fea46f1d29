import { countOf } from '@dataref/core/adapter';

/**
 * What a weight starts from: uniform in ±√(6 / (fanIn + fanOut)) (Glorot and Bengio 2010; the default of tfjs and Keras), or
 * uniform in ±√(6 / fanIn) (He et al. 2015; for layers before a ReLU).
 */
export type Initializer = 'glorotUniform' | 'heUniform';

export const INITIALIZERS: readonly Initializer[] = ['glorotUniform', 'heUniform'];

/** Zeros, or uniform in ±limit. */
export interface InitialValues {
  readonly limit: number;
}

export const ZEROS: InitialValues = { limit: 0 };

export function initialWeights(initializer: Initializer, fanIn: number, fanOut: number): InitialValues {
  return { limit: Math.sqrt(6 / (initializer === 'heUniform' ? fanIn : fanIn + fanOut)) };
}

/**
 * The values that a parameter of this name starts from: the same bits for the same seed on any machine, whatever other
 * parameters there are. Only operations that IEEE 754 defines to the bit are used, so no normal distribution.
 */
export function initialData(seed: number, name: string, size: number, { limit }: InitialValues): Float32Array {
  const data = new Float32Array(size);
  if (limit === 0) return data;
  const next = xoshiro128(seed, hashOf(name));
  for (let i = 0; i < size; i++) data[i] = (((next() >>> 8) + 0.5) * 2 ** -23 - 1) * limit;
  return data;
}

export function seedOf(seed: unknown): number {
  return countOf('initialState: the seed', seed, 0, 2 ** 32 - 1);
}

/** FNV-1a over the UTF-16 units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/**
 * 32-bit numbers of xoshiro128**, its state filled by SplitMix32 from the seed and the stream's number.
 * @see Blackman and Vigna, "Scrambled linear pseudorandom number generators" (2021)
 */
function xoshiro128(seed: number, stream: number): () => number {
  const split = splitMix32(splitMix32(seed)() ^ stream);
  let [a, b, c, d] = [split(), split(), split(), split()];
  return () => {
    const result = Math.imul(rotated(Math.imul(b, 5), 7), 9);
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotated(d, 11);
    return result >>> 0;
  };
}

function rotated(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** The finaliser of MurmurHash3 over a Weyl sequence. */
function splitMix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
}
