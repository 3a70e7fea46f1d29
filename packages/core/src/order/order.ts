import { DataRefError } from '../errors.js';
import { checkInteger, MAX_SEED } from './checks.js';
import { MAX_SHUFFLED_LENGTH, ShuffledOrder, startNumpyShuffle } from './numpy-shuffle.js';
import { PartsOrder, type PartsLayout } from './parts-shuffle.js';
import { startPermutation } from './permutation.js';
import { SequentialOrder } from './sequential.js';

/** The sequence of one epoch: a bijection from positions to indices, both 0..length−1. */
export interface Order {
  /** Records, 0..2^53−1. */
  readonly length: number;
  /**
   * Writes the indices of positions start, start + stride, … (count of them) to out[offset], out[offset + 1], ….
   * @param out a Float64Array where there are more than 2^32 records
   * @param stride an integer ≥ 1
   * @throws DataRefError `INVALID_ARGUMENT` when a position is outside the order, or its place outside `out`
   */
  fill(out: Uint32Array | Float64Array, offset: number, count: number, start: number, stride: number): void;
}

export type OrderAlgorithm = 'sequential' | 'numpy' | 'permutation' | 'parts';

export interface OrderSpec {
  readonly algorithm: OrderAlgorithm;
  /** An integer 0..2^52; null only for 'sequential'. */
  readonly seed: number | null;
  /** False: every epoch has the order of epoch 0. */
  readonly reshuffle: boolean;
  /** How the dataset is cut into parts; only for 'parts'. */
  readonly layout?: PartsLayout | undefined;
}

const ALGORITHMS: readonly OrderAlgorithm[] = ['sequential', 'numpy', 'permutation', 'parts'];

/** The longest dataset that 'numpy' is the default for: 64 MiB of indices. */
const MAX_DEFAULT_NUMPY_LENGTH = 2 ** 24;

/**
 * The algorithm of a shuffle that names none: 'numpy' up to 2^24 records, 'permutation' above.
 * @param length records
 */
export function defaultAlgorithm(length: number): 'numpy' | 'permutation' {
  return length <= MAX_DEFAULT_NUMPY_LENGTH ? 'numpy' : 'permutation';
}

/**
 * The order of one epoch, ready to be read: a pure function of its arguments, specified in docs/orders.md.
 * @param length records, 0..2^53−1; for 'numpy' 0..2^31
 * @param epoch an integer 0..2^52; for a reshuffled 'permutation' or 'parts' 0..2^32−1
 * @throws DataRefError `INVALID_ARGUMENT` for a missing seed or an argument out of its range
 */
export function openOrder(spec: OrderSpec, length: number, epoch: number): Order {
  const order = startOrder(spec, length, epoch);
  advanceOrder(order, Infinity);
  return order;
}

/**
 * The order of one epoch, where a shuffle in memory is not done yet: `advanceOrder` does it, or the first `fill`.
 * @throws DataRefError `INVALID_ARGUMENT` as `openOrder` does
 */
export function startOrder(spec: OrderSpec, length: number, epoch: number): Order {
  checkOrder(spec, length, epoch);
  const { algorithm, seed } = spec;
  if (algorithm === 'sequential' || seed === null) return new SequentialOrder(length);
  const key = epochKey(spec, epoch);
  if (algorithm === 'numpy') return startNumpyShuffle(length, seed, key);
  return spec.layout === undefined ? startPermutation(length, seed, key) : new PartsOrder(spec.layout, seed, key);
}

/**
 * Does up to `steps` steps of a started order and tells whether it is complete; 2 · length steps always complete it.
 * @param steps an integer ≥ 0, or Infinity
 */
export function advanceOrder(order: Order, steps: number): boolean {
  return order instanceof ShuffledOrder ? order.advance(steps) : true;
}

/** The epoch whose order this epoch has. */
export function epochKey(spec: OrderSpec, epoch: number): number {
  return spec.reshuffle && spec.algorithm !== 'sequential' ? epoch : 0;
}

/** The last epoch that `openOrder` accepts. */
export function maxEpoch(spec: OrderSpec): number {
  return (spec.algorithm === 'permutation' || spec.algorithm === 'parts') && spec.reshuffle ? 2 ** 32 - 1 : MAX_SEED;
}

/**
 * Nothing, when an order can be opened with these arguments.
 * @throws DataRefError `INVALID_ARGUMENT` otherwise
 */
export function checkOrder(spec: OrderSpec, length: number, epoch: number): void {
  const { algorithm, seed } = spec;
  if (!ALGORITHMS.includes(algorithm)) {
    throw new DataRefError('INVALID_ARGUMENT', `algorithm must be one of ${ALGORITHMS.join(', ')}, got ${algorithm}`);
  }
  checkInteger('length', length, 0, Number.MAX_SAFE_INTEGER);
  checkInteger('epoch', epoch, 0, maxEpoch(spec));
  if (algorithm === 'sequential') return;
  if (seed === null) {
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `a ${algorithm} order needs a seed, an integer 0..${MAX_SEED}, got null`,
    );
  }
  checkInteger('seed', seed, 0, MAX_SEED);
  if ((algorithm === 'parts') !== (spec.layout !== undefined)) {
    throw new DataRefError('INVALID_ARGUMENT', `a layout of parts is for the algorithm 'parts', and it needs one`);
  }
  if (spec.layout !== undefined) checkLayout(spec.layout, length);
  if (algorithm === 'numpy' && length > MAX_SHUFFLED_LENGTH) {
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `a numpy order holds at most ${MAX_SHUFFLED_LENGTH} records, got ${length}: use the algorithm 'permutation'`,
    );
  }
}

function checkLayout({ partRecords, window }: PartsLayout, length: number): void {
  checkInteger('window', window, 1, Number.MAX_SAFE_INTEGER);
  let sum = 0;
  for (const records of partRecords) {
    checkInteger('records of a part', records, 0, Number.MAX_SAFE_INTEGER);
    sum += records;
  }
  if (sum !== length) {
    throw new DataRefError('INVALID_ARGUMENT', `the parts have ${sum} records together, expected ${length}`);
  }
}
