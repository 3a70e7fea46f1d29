/** Words that are remembered, and how long they may be: those of a language, and not what is met once. */
const WORDS = 1 << 16;
const LETTERS = 128;

/** A function of words that finds the same for the same word, and remembers it of those that it met last. */
export function remembered<T extends string | readonly unknown[]>(find: (word: string) => T): (word: string) => T {
  let known = new Map<string, T>();
  return (word) => {
    const before = known.get(word);
    if (before !== undefined) return before;
    const found = find(word);
    if (known.size >= WORDS) known = new Map();
    if (word.length <= LETTERS) known.set(word, found);
    return found;
  };
}
