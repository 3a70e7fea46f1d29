const INIT_A = 0x43b0d7e5;
const MULTIPLIER_A = 0x931e8875;
const INIT_B = 0x8b51f9dd;
const MULTIPLIER_B = 0x58f38ded;
const MIX_LEFT = 0xca01f9dd;
const MIX_RIGHT = 0x4973f715;
const POOL_WORDS = 4;

/**
 * What numpy's `SeedSequence(seed).generate_state(count)` gives.
 * @param seed an integer 0..2^53 − 1
 * @param count words of 32 bits
 * @see numpy/random/bit_generator.pyx, after https://www.pcg-random.org/posts/developing-a-seed_seq-alternative.html
 */
export function seedWords(seed: number, count: number): Uint32Array {
  const pool = new Uint32Array(POOL_WORDS);
  let constant = INIT_A;
  const hash = (value: number): number => {
    const mixed = value ^ constant;
    constant = Math.imul(constant, MULTIPLIER_A);
    return foldedXor(Math.imul(mixed, constant));
  };
  const entropy = [seed % 2 ** 32, Math.floor(seed / 2 ** 32)];
  for (let i = 0; i < POOL_WORDS; i++) pool[i] = hash(entropy[i] ?? 0);
  for (let from = 0; from < POOL_WORDS; from++)
    for (let to = 0; to < POOL_WORDS; to++)
      if (from !== to) {
        const mixed = Math.imul(MIX_LEFT, pool[to]!) - Math.imul(MIX_RIGHT, hash(pool[from]!));
        pool[to] = foldedXor(mixed);
      }
  const words = new Uint32Array(count);
  constant = INIT_B;
  for (let i = 0; i < count; i++) {
    const value = pool[i % POOL_WORDS]! ^ constant;
    constant = Math.imul(constant, MULTIPLIER_B);
    words[i] = foldedXor(Math.imul(value, constant));
  }
  return words;
}

function foldedXor(value: number): number {
  return (value ^ (value >>> 16)) >>> 0;
}
