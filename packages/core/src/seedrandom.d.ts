declare module 'seedrandom/lib/alea.js' {
  /** A generator of numbers in [0, 1) from a seed. */
  export default function alea(seed: string): () => number;
}
