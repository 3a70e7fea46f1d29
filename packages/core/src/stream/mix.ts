import alea from 'seedrandom/lib/alea.js';
import { DataRefError, invalidArgument } from '../errors.js';
import { commonSchema, joinStage, originOfInput, type JoinInput } from './join-stage.js';
import type { Stage } from './stage.js';

export type Weights = readonly number[] | ((epoch: number) => readonly number[]);

export interface MixOptions {
  /** How much of each input, in any unit: 3 and 1 are three records of the first for one of the second. By epoch, where a function is given. */
  readonly weights: Weights;
  /** Draws inputs at random, in the proportion of their weights. Without a seed the proportions are exact at any prefix, to one record. */
  readonly seed?: number | undefined;
  /**
   * `firstEnds`: an epoch ends with the first input that has no more. `allEnd`: the others go on in their proportions.
   * `never`: an input that ends begins its next epoch.
   */
  readonly until: 'firstEnds' | 'allEnd' | 'never';
}

/** Records of several inputs by turns, in the proportions of their weights; each input keeps its own order. */
export function mixStage(inputs: readonly JoinInput[], unit: number, { weights, seed, until }: MixOptions): Stage {
  const shown = typeof weights === 'function' ? 'by epoch' : weights.join(',');
  const name = `mix(${shown};${until}${seed === undefined ? '' : `;seed ${seed}`})`;
  const schema = () => commonSchema('mix', inputs);
  return joinStage(name, inputs, unit, schema, ({ epoch, counts, ended, pull, restart, after }) => {
    const shares = sharesOf(weights, epoch, inputs.length);
    /** Inputs that gave nothing since they were restarted. */
    const idle = new Set<number>();
    return async () => {
      if (until === 'firstEnds' && ended.size > 0) return undefined;
      for (;;) {
        const alive = shares.map((share, i) => (ended.has(i) ? 0 : share));
        if (alive.every((share) => share === 0)) return undefined;
        const i = seed === undefined ? dueInput(alive, counts) : drawnInput(alive, counts, seed, epoch);
        const element = await pull(i);
        if (element !== undefined) {
          idle.delete(i);
          const origin = originOfInput(element.origin, 'mix', i);
          return { ...element, origin, epoch, lastEpoch: epoch, after: after(), follow: undefined };
        }
        if (until === 'firstEnds') return undefined;
        if (until === 'allEnd') continue;
        if (idle.has(i))
          throw new DataRefError('EMPTY', `mix: input ${i} has no record, and until: 'never' waits for one`);
        idle.add(i);
        await restart(i);
      }
    };
  });
}

/** Weights as fractions of 1. @throws DataRefError INVALID_ARGUMENT, MAP_FAILED */
function sharesOf(weights: Weights, epoch: number, inputs: number): number[] {
  const given = typeof weights === 'function' ? weightsOf(weights, epoch) : weights;
  checkWeights(given, inputs);
  const largest = Math.max(...given); // first, so that the sum of huge ones is a number
  const sum = given.reduce((total, weight) => total + weight / largest, 0);
  return given.map((weight) => weight / largest / sum);
}

/** @throws DataRefError MAP_FAILED naming the epoch, with the cause */
function weightsOf(weights: (epoch: number) => readonly number[], epoch: number): readonly number[] {
  try {
    return weights(epoch);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new DataRefError('MAP_FAILED', `weights of mix failed for epoch ${epoch}: ${problem}`, {
      cause,
      details: { epoch },
    });
  }
}

/** @throws DataRefError INVALID_ARGUMENT */
export function checkWeights(weights: unknown, inputs: number): void {
  const isRight =
    Array.isArray(weights) &&
    weights.length === inputs &&
    weights.every((weight) => typeof weight === 'number' && weight >= 0 && Number.isFinite(weight)) &&
    weights.some((weight) => weight > 0);
  if (isRight) return;
  throw invalidArgument(
    `mix: weights must be ${inputs} numbers ≥ 0, one for each stream and not all 0, got ${JSON.stringify(weights)}`,
  );
}

/**
 * The input whose record is due, so that after any number of records each input has had its share of them to less than
 * one record: of those that may have one more without being ahead, the one that would be behind soonest.
 * @see Tijdeman, "The chairman assignment problem" (1980)
 */
function dueInput(shares: readonly number[], counts: readonly number[]): number {
  const live = shares.flatMap((share, i) => (share > 0 ? [i] : []));
  const sum = live.reduce((total, i) => total + (shares[i] as number), 0);
  const step = live.reduce((total, i) => total + (counts[i] as number), 0) + 1;
  const slack = live.length > 1 ? 1 / (2 * live.length - 2) : 0;
  let best = -1;
  let bestDue = Infinity;
  let furthest = -1;
  let mostBehind = -Infinity;
  for (const i of live) {
    const share = (shares[i] as number) / sum;
    const behind = share * step - (counts[i] as number);
    if (behind > mostBehind) [furthest, mostBehind] = [i, behind];
    if (behind < slack - 1e-9) continue;
    const due = (1 - slack - behind) / share;
    if (due < bestDue - 1e-9) [best, bestDue] = [i, due];
  }
  return best < 0 ? furthest : best;
}

/** An input at random: a function of the seed, the epoch and the number of records so far. */
function drawnInput(shares: readonly number[], counts: readonly number[], seed: number, epoch: number): number {
  const step = counts.reduce((total, count) => total + count, 0);
  const sum = shares.reduce((total, share) => total + share, 0);
  let left = alea(`mix/${seed}/${epoch}/${step}`)() * sum;
  let last = -1;
  for (const [i, share] of shares.entries()) {
    if (share === 0) continue;
    last = i;
    left -= share;
    if (left < 0) break;
  }
  return last;
}
