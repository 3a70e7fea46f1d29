/** Bytes of UTF-8 as tokens: 0 to 255, and 256 after each text. A vocabulary so small is quick to learn. */
export default {
  encode: (text: string) => Buffer.from(text),
  decode: (ids: ArrayLike<number>) => Buffer.from(Array.from(ids).filter((id) => id < 256)).toString(),
  vocabSize: 257,
  eosId: 256,
};
