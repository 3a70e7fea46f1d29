import type { DataRefError } from '@dataref/core';
import { failed } from '../collective/checks.js';
import { call, type Call } from './functions.js';
import type { MpiLibrary } from './library.js';
import { type Comparison, type Round, take, tell } from './turn.js';

/** More than any call's text has. */
const TEXT_BYTES = 64;
const WORDS = TEXT_BYTES / 4;
/** Of messages by which ranks tell each other what they call. */
const TAG = 7_281;

/** A call as its rank makes it: the same on all ranks. */
export interface Named {
  readonly kind: 'allreduce' | 'broadcast' | 'allgather' | 'barrier' | 'close';
  /** Of the array, its number of values and what its class is called. */
  readonly length?: number;
  readonly dtype?: string;
  readonly reduction?: string;
  readonly root?: number;
}

/**
 * Lets the ranks see, before each call, that all make the same one. MPI leaves undefined what comes of different ones:
 * most hang, some write where they should not. After log2(size) messages each, a rank has heard of all others.
 * @see Hensgen, Finkel and Manber, Two algorithms for barrier synchronization (1988): dissemination
 */
export class Agreement {
  readonly comparison: Comparison;
  readonly #run: (call: Call) => void;
  /** This rank's call, whose text `told` has: mostly the next is the same. */
  #named: Named | undefined;
  readonly #text: Buffer;
  /** The texts of all ranks, where they differ. */
  readonly #texts: Buffer;
  readonly #tests: readonly Call[];
  readonly #flag = new Int32Array(1);
  /** How many rounds this rank has been through in this turn. */
  #round = 0;

  constructor(mpi: MpiLibrary, { rank, size }: { readonly rank: number; readonly size: number }) {
    const { world, byte, statusIgnore } = mpi.handles;
    const words = () => new Int32Array(2 * WORDS);
    const [told, least] = [words(), words()];
    this.#run = (made) => mpi.run(made);
    this.#text = Buffer.from(told.buffer, 0, TEXT_BYTES);
    this.#texts = Buffer.alloc(TEXT_BYTES * size);
    // Addresses are taken faster than arrays.
    const at = (values: ArrayBufferView) => mpi.addressOf(values);
    const rounds: Round[] = [];
    const tests: Call[] = [];
    for (let distance = 1; distance < size; distance *= 2) {
      const heard = words();
      const [sent, received] = mpi.requests();
      rounds.push({
        begin: [
          call('Irecv', at(heard), heard.byteLength, byte, (rank + size - distance) % size, TAG, world, received),
          call('Isend', at(least), least.byteLength, byte, (rank + distance) % size, TAG, world, sent),
        ],
        wait: call('Waitall', 2, sent, statusIgnore),
        heard,
      });
      tests.push(call('Testall', 2, sent, at(this.#flag), statusIgnore));
    }
    this.#tests = tests;
    this.comparison = {
      told,
      least,
      rounds,
      gather: call('Allgather', at(told), TEXT_BYTES, byte, at(this.#texts), TEXT_BYTES, byte, world),
    };
  }

  /** How many rounds this rank has been through since it began. */
  get round(): number {
    return this.#round;
  }

  /** Tells the others what this rank calls, and waits for none. @throws DataRefError COLLECTIVE_FAILED */
  begin(named: Named): void {
    if (this.#named === undefined || !isSame(named, this.#named)) this.#write(named);
    this.#round = 0;
    tell(this.comparison, this.#run);
  }

  /** Whether this rank has heard of all others within so many milliseconds, for which it holds up the thread. */
  isReached(withinMs: number): boolean {
    const end = performance.now() + withinMs;
    while (this.#round < this.#tests.length) {
      this.#run(this.#tests[this.#round]!);
      if (this.#flag[0] !== 0) take(this.comparison, this.#round++, this.#run);
      else if (performance.now() >= end) return false;
    }
    return true;
  }

  /** That the ranks made different calls, after a turn in which they did. */
  difference(): DataRefError {
    return failed(`the ranks made different calls: ${described(this.#texts)}`);
  }

  #write(named: Named): void {
    const { told } = this.comparison;
    this.#named = named;
    this.#text.fill(0);
    this.#text.write(textOf(named), 'latin1');
    for (let i = 0; i < WORDS; i++) told[WORDS + i] = ~told[i]!;
  }
}

function isSame(a: Named, b: Named): boolean {
  return (
    a.kind === b.kind &&
    a.length === b.length &&
    a.dtype === b.dtype &&
    a.reduction === b.reduction &&
    a.root === b.root
  );
}

function textOf({ kind, length, dtype, reduction, root }: Named): string {
  if (dtype === undefined) return kind;
  const how = reduction === undefined ? kind : `${kind} (${reduction})`;
  return `${how} of ${length} ${dtype}${root === undefined ? '' : ` from ${root}`}`;
}

/** @returns each call, with the ranks that made it */
function described(texts: Buffer): string {
  const ranks = new Map<string, number[]>();
  for (let rank = 0; rank * TEXT_BYTES < texts.length; rank++) {
    const what = texts.toString('latin1', rank * TEXT_BYTES, (rank + 1) * TEXT_BYTES).replaceAll('\0', '');
    ranks.set(what, [...(ranks.get(what) ?? []), rank]);
  }
  return Array.from(ranks, ([what, who]) => `${what} (${who.length === 1 ? 'rank' : 'ranks'} ${listed(who)})`).join(
    ', ',
  );
}

function listed(ranks: readonly number[]): string {
  return ranks.length > 8 ? `${ranks.slice(0, 8).join(', ')}, …` : ranks.join(', ');
}
