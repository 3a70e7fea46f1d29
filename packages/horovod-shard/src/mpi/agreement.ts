import type { DataRefError } from '@dataref/core';
import { failed } from '../collective/checks.js';
import { call, type Call } from './functions.js';
import type { MpiLibrary } from './library.js';
import type { Turn } from './turn.js';

/** More than any call's text has. */
const TEXT_BYTES = 64;
const WORDS = TEXT_BYTES / 4;

/**
 * Lets the ranks see, before each call, that all make the same one. MPI leaves undefined what comes of different ones:
 * most hang, some write where they should not.
 */
export class Agreement {
  readonly #mpi: MpiLibrary;
  /** This rank's call, whose text `#words` has. */
  #what: string | undefined;
  /** Its text, as integers, and their complements. */
  readonly #words = new Int32Array(2 * WORDS);
  readonly #text = Buffer.from(this.#words.buffer, 0, TEXT_BYTES);
  /** The texts of all ranks, where they differ. */
  readonly #texts: Buffer;
  readonly #request = new BigInt64Array(1);
  readonly #flag = new Int32Array(1);
  readonly #post: Call;
  readonly #test: Call;
  readonly #turn: Omit<Turn, 'calls'>;

  constructor(mpi: MpiLibrary, size: number) {
    const { world, int, min, byte, statusIgnore } = mpi.handles;
    this.#mpi = mpi;
    this.#texts = Buffer.alloc(TEXT_BYTES * size);
    const least = new Uint8Array(2 * TEXT_BYTES);
    this.#post = call('Iallreduce', this.#words, least, 2 * WORDS, int, min, world, this.#request);
    this.#test = call('Test', this.#request, this.#flag, statusIgnore);
    this.#turn = {
      wait: call('Wait', this.#request, statusIgnore),
      told: new Uint8Array(this.#words.buffer),
      least,
      gather: call('Allgather', this.#text, TEXT_BYTES, byte, this.#texts, TEXT_BYTES, byte, world),
    };
  }

  /** Tells the others what this rank calls, and waits for none. @throws DataRefError COLLECTIVE_FAILED */
  begin(what: string, calls: readonly Call[]): Turn {
    if (what !== this.#what) this.#write(what);
    this.#mpi.run(this.#post);
    return { ...this.#turn, calls };
  }

  /** Whether all ranks have told, within so many milliseconds, for which it holds up the thread. */
  isReached(withinMs: number): boolean {
    const end = performance.now() + withinMs;
    do {
      this.#mpi.run(this.#test);
      if (this.#flag[0] !== 0) return true;
    } while (performance.now() < end);
    return false;
  }

  /** That the ranks made different calls, after a turn in which they did. */
  difference(): DataRefError {
    return failed(`the ranks made different calls: ${described(this.#texts)}`);
  }

  #write(what: string): void {
    this.#what = what;
    this.#text.fill(0);
    this.#text.write(what, 'latin1');
    for (let i = 0; i < WORDS; i++) this.#words[WORDS + i] = ~this.#words[i]!;
  }
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
