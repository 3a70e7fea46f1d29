import { remembered } from './remembered.js';

/** Texts so short are merged by looking at every pair each time; longer ones by a heap, so that none takes quadratic time. */
const SHORT = 128;
const NONE = -1;

/**
 * Byte pair encoding of words, by the ranks of tokens: of two neighbours that are a token together those of the lowest
 * rank are merged, the first of equals, until there are none.
 * @see tiktoken's `byte_pair_merge`
 */
export class BytePairs {
  /** Ranks by bytes, a letter up to U+00FF for each. */
  readonly #ranks = new Map<string, number>();
  readonly #longest: number;
  readonly #known = remembered((word) => this.#encoded(word));

  /** @param tokens by rank, as text or bytes */
  constructor(tokens: readonly (string | readonly number[] | undefined)[]) {
    let longest = 0;
    tokens.forEach((token, rank) => {
      if (token === undefined) return;
      const bytes = typeof token === 'string' ? bytesOf(token) : String.fromCharCode(...token);
      this.#ranks.set(bytes, rank);
      longest = Math.max(longest, bytes.length);
    });
    this.#longest = longest;
  }

  /** Appends the ids of a word. */
  encode(word: string, ids: number[]): void {
    for (const id of this.#known(word)) ids.push(id);
  }

  #encoded(word: string): readonly number[] {
    const bytes = bytesOf(word);
    const rank = this.#ranks.get(bytes);
    if (rank !== undefined) return [rank];
    return bytes.length <= SHORT ? this.#mergeShort(bytes) : this.#mergeLong(bytes);
  }

  /** The rank of bytes start to end, NONE where they are no token. */
  #rank(bytes: string, start: number, end: number): number {
    return end - start > this.#longest ? NONE : (this.#ranks.get(bytes.slice(start, end)) ?? NONE);
  }

  #mergeShort(bytes: string): readonly number[] {
    const starts = Array.from({ length: bytes.length + 1 }, (_, i) => i);
    const rankAt = (i: number) =>
      i + 2 < starts.length ? this.#rank(bytes, starts[i] as number, starts[i + 2] as number) : NONE;
    const ranks = starts.map((_, i) => rankAt(i));
    for (;;) {
      let best = NONE;
      for (let i = 0; i < ranks.length; i++) {
        const rank = ranks[i] as number;
        if (rank !== NONE && (best === NONE || rank < (ranks[best] as number))) best = i;
      }
      if (best === NONE) break;
      starts.splice(best + 1, 1);
      ranks.splice(best + 1, 1);
      ranks[best] = rankAt(best);
      if (best > 0) ranks[best - 1] = rankAt(best - 1);
    }
    return starts.slice(0, -1).map((start, i) => this.#ranks.get(bytes.slice(start, starts[i + 1])) as number);
  }

  #mergeLong(bytes: string): readonly number[] {
    const { length } = bytes;
    const ends = Uint32Array.from({ length }, (_, i) => i + 1);
    const before = Int32Array.from({ length }, (_, i) => i - 1);
    const pairs = new Int32Array(length).fill(NONE); // the rank of a part and the next one together
    const heap = new NumberHeap();
    const look = (start: number): void => {
      const next = ends[start] as number;
      const rank = next < length ? this.#rank(bytes, start, ends[next] as number) : NONE;
      pairs[start] = rank;
      if (rank !== NONE) heap.push(rank * 2 ** 32 + start);
    };
    for (let start = 0; start < length; start++) look(start);
    for (let top = heap.pop(); top !== undefined; top = heap.pop()) {
      const start = top % 2 ** 32;
      if (pairs[start] !== Math.floor(top / 2 ** 32)) continue; // one of the two was merged with another since
      const next = ends[start] as number;
      const end = ends[next] as number;
      ends[start] = end;
      pairs[next] = NONE;
      if (end < length) before[end] = start;
      look(start);
      const previous = before[start] as number;
      if (previous >= 0) look(previous);
    }
    const ids: number[] = [];
    for (let start = 0; start < length; start = ends[start] as number)
      ids.push(this.#ranks.get(bytes.slice(start, ends[start])) as number);
    return ids;
  }
}

/** A letter for each byte of a text's UTF-8. */
function bytesOf(text: string): string {
  return /^[\0-\x7f]*$/u.test(text) ? text : Buffer.from(text).toString('latin1');
}

/** Numbers, the least first. */
class NumberHeap {
  readonly #items: number[] = [];

  push(value: number): void {
    const items = this.#items;
    let at = items.push(value) - 1;
    for (let parent = (at - 1) >> 1; at > 0 && (items[parent] as number) > value; parent = (at - 1) >> 1) {
      items[at] = items[parent] as number;
      at = parent;
    }
    items[at] = value;
  }

  pop(): number | undefined {
    const items = this.#items;
    const least = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return least;
    let at = 0;
    for (let child = 1; child < items.length; child = 2 * at + 1) {
      if (child + 1 < items.length && (items[child + 1] as number) < (items[child] as number)) child++;
      if ((items[child] as number) >= last) break;
      items[at] = items[child] as number;
      at = child;
    }
    items[at] = last;
    return least;
  }
}
