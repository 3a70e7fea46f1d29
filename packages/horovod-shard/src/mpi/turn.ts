import type { Call } from './functions.js';

/** How a rank hears what the others call. Made once: arrays are known by their addresses, in whichever thread. */
export interface Comparison {
  /** What this rank has said: words and their complements. */
  readonly told: Int32Array;
  /** The least of the words and complements that this rank has heard of. */
  readonly least: Int32Array;
  /** By the last of these a rank has heard of all. */
  readonly rounds: readonly Round[];
  /** Made where they call different things: gathers what each does. */
  readonly gather: Call;
}

/** A rank tells another the least that it has heard of, and is told by a third. */
export interface Round {
  readonly begin: readonly Call[];
  readonly wait: Call;
  /** What the third has told. */
  readonly heard: Int32Array;
}

type Run = (call: Call) => void;

/** Begins to tell the others what this rank calls. */
export function tell({ told, least, rounds }: Comparison, run: Run): void {
  least.set(told);
  rounds[0]?.begin.forEach(run);
}

/** Takes what a round has brought, and begins the next. */
export function take({ least, rounds }: Comparison, round: number, run: Run): void {
  const { heard } = rounds[round]!;
  for (let i = 0; i < least.length; i++) if (heard[i]! < least[i]!) least[i] = heard[i]!;
  rounds[round + 1]?.begin.forEach(run);
}

/**
 * Waits in the rounds from this one on, and makes a rank's calls of a turn. The least complement is that of the greatest
 * word: a rank finds its own words and complements again only where no other has lesser or greater ones, and so all do or
 * none.
 * @returns whether all ranks call the same; otherwise none is made
 */
export function carryOut(comparison: Comparison, round: number, calls: readonly Call[], run: Run): boolean {
  const { told, least, rounds, gather } = comparison;
  for (let i = round; i < rounds.length; i++) {
    run(rounds[i]!.wait);
    take(comparison, i, run);
  }
  for (let i = 0; i < told.length; i++) {
    if (told[i] === least[i]) continue;
    run(gather);
    return false;
  }
  for (const call of calls) run(call);
  return true;
}
