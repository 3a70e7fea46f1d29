import alea from 'seedrandom/lib/alea.js';
import type { MapContext } from './types.js';

/** What random numbers are keyed on, and where the record stands. */
interface Key {
  readonly epoch: number;
  readonly position: number;
  readonly index: number;
  readonly branch?: string;
}

/**
 * What a map function is told. Its random numbers depend on seed, epoch and index alone: not on the position, the rank,
 * the worker, or what ran before. A second map of one pipeline has numbers of its own (`step`).
 * @see Baagøe, Alea (2010), through the package seedrandom
 */
export function mapContext(
  seed: number | null,
  step: number,
  { epoch, position, index, branch = '' }: Key,
  signal: AbortSignal,
): MapContext {
  let generator: (() => number) | undefined;
  return {
    epoch,
    position,
    index,
    signal,
    random: () => {
      generator ??= alea(`${seed ?? ''}/${epoch}/${index}${branch}${step === 0 ? '' : `/${step}`}`);
      return generator();
    },
  };
}
