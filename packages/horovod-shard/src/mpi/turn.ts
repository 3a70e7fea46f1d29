import type { Call } from './functions.js';

/** How a rank hears what the others call. Made once: arrays are known by their addresses, in whichever thread. */
export interface Comparison {
  /** Waits until all ranks have said what they call. */
  readonly wait: Call;
  /** What this rank has said: words and their complements. */
  readonly told: Int32Array;
  /** Where the least of the ranks' words and complements then are. */
  readonly least: Int32Array;
  /** Made where they call different things: gathers what each does. */
  readonly gather: Call;
}

/**
 * Makes a rank's calls of a turn, once all have said what they call. The least complement is that of the greatest word: a
 * rank finds its own words and complements again only where no other has lesser or greater ones, and so all do or none.
 * @returns whether all ranks call the same; otherwise none is made
 */
export function carryOut(
  { told, least, gather }: Comparison,
  calls: readonly Call[],
  run: (call: Call) => void,
): boolean {
  for (let i = 0; i < told.length; i++) {
    if (told[i] === least[i]) continue;
    run(gather);
    return false;
  }
  for (const call of calls) run(call);
  return true;
}
