import type { Call } from './functions.js';

/** One call of a rank, which meets the others' of its turn. */
export interface Turn {
  /** Waits until all ranks have said what they call. */
  readonly wait: Call;
  /** What this rank has said: words and their complements. */
  readonly told: Uint8Array;
  /** Where the least of the ranks' words and complements then are. */
  readonly least: Uint8Array;
  /** Made where they call different things: gathers what each does. */
  readonly gather: Call;
  /** Made where they call the same, one after the other. */
  readonly calls: readonly Call[];
}

/**
 * Goes on when all ranks have said what they call. The least complement is that of the greatest word: a rank finds its own
 * words and complements again only where no other has lesser or greater ones, and so all ranks do or none.
 * @returns whether all ranks call the same
 */
export function carryOut({ told, least, gather, calls }: Turn, run: (call: Call) => void): boolean {
  if (Buffer.compare(told, least) !== 0) {
    run(gather);
    return false;
  }
  for (const call of calls) run(call);
  return true;
}
