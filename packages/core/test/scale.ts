// @ts-expect-error -- its types are declared for src alone
import alea from 'seedrandom/lib/alea.js';

/** How much the property tests do: 1 is thorough; the default, a tenth, is for every run. */
export const scale = Number(process.env['DATAREF_TEST_SCALE'] ?? 0.1);

/** `n` runs at scale 1; below it, half of what the scale says, and at least one. */
export const runs = (n: number): number => Math.max(1, Math.ceil(n * (scale < 1 ? scale / 2 : scale)));

/** All of a list at scale 1; below it about a third of it, evenly spaced, the first and the last included. */
export function some<T>(list: readonly T[]): readonly T[] {
  if (scale >= 1 || list.length < 3) return list;
  const steps = Math.ceil(list.length / 3);
  return Array.from({ length: steps + 1 }, (_, i) => list[Math.round((i * (list.length - 1)) / steps)] as T);
}

/** The random seed of a suite, printed so that a failure can be repeated with DATAREF_TEST_SEED. */
export function announceSeed(suite: string): number {
  const seed = Number(process.env['DATAREF_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  console.info(`${suite}: DATAREF_TEST_SEED=${seed}`);
  return seed;
}

/** Numbers from 0 to below 1, the same for the same seed. */
export function randomOf(seed: number): () => number {
  return alea(String(seed)) as () => number;
}
