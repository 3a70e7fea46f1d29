import { failed } from '../collective/checks.js';
import type { Call, MpiLibrary } from './library.js';

/** More than any call's text has. */
const TEXT_BYTES = 64;
const WORDS = TEXT_BYTES / 4;

/**
 * Lets the ranks see, before each call, that all make the same one. MPI leaves undefined what comes of different ones:
 * most hang, some write where they should not.
 */
export class Agreement {
  readonly #mpi: MpiLibrary;
  readonly #size: number;
  /** The text of this rank's call, as integers, and their complements: the least of these tells the greatest of those. */
  readonly #claims = new Int32Array(2 * WORDS);
  readonly #text = Buffer.from(this.#claims.buffer, 0, TEXT_BYTES);

  constructor(mpi: MpiLibrary, size: number) {
    this.#mpi = mpi;
    this.#size = size;
  }

  /** @param what the call and its sizes @throws DataRefError COLLECTIVE_FAILED, on every rank */
  *on(what: string): Generator<Call, void> {
    const { world, int, min, byte, inPlace } = this.#mpi.handles;
    const claims = this.#claims;
    this.#write(what);
    yield ['Allreduce', inPlace, claims, claims.length, int, min, world];
    if (claims.subarray(0, WORDS).every((word, i) => word === ~claims[WORDS + i]!)) return;
    this.#write(what);
    const texts = Buffer.alloc(TEXT_BYTES * this.#size);
    yield ['Allgather', this.#text, TEXT_BYTES, byte, texts, TEXT_BYTES, byte, world];
    throw failed(`the ranks made different calls: ${described(texts)}`);
  }

  #write(what: string): void {
    this.#text.fill(0);
    this.#text.write(what, 'latin1');
    for (let i = 0; i < WORDS; i++) this.#claims[WORDS + i] = ~this.#claims[i]!;
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
