/** Each byte of UTF-8 is a token; 256 ends a document, 257 parts a pair. */
const tokenizer = {
  vocabSize: 258,
  eosId: 256,
  encode: (text, pair) => [...Buffer.from(text), ...(pair === undefined ? [] : [257, ...Buffer.from(pair)])],
  decode: (ids) => Buffer.from(Array.from(ids).filter((id) => id < 256)).toString(),
};

export default tokenizer;
