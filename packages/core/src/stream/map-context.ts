import alea from 'seedrandom/lib/alea.js';
import type { MapContext } from './types.js';

/**
 * What a map function is told. Its random numbers depend on seed, epoch and index alone: not on the position, the rank,
 * the worker, or what ran before. A second map of one pipeline has numbers of its own (`step`).
 * @see Baagøe, Alea (2010), through the package seedrandom
 */
export function mapContext(
  seed: number | null,
  step: number,
  place: { readonly epoch: number; readonly position: number; readonly index: number },
  signal: AbortSignal,
): MapContext {
  let generator: (() => number) | undefined;
  return {
    ...place,
    signal,
    random: () => {
      generator ??= alea(`${seed ?? ''}/${place.epoch}/${place.index}${step === 0 ? '' : `/${step}`}`);
      return generator();
    },
  };
}
