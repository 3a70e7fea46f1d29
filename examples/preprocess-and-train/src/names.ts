import { ndarray, type DataRef, type Field, type NDArray } from '@dataref/core';
import { PIECES } from './preprocess.js';

export const TOKENS = 'sotu_bert_preprocessed';
export const MODEL = 'sotu_model_output';
/** Tokens of a sentence. */
export const WORDS = 40;

type Tokens = { readonly ids: Field<'int32', readonly [number]>; readonly label: Field<'uint8', readonly []> };

/** The same parts in every process. */
export function parts(tokens: DataRef<Tokens>): Readonly<Record<'train' | 'test', DataRef<Tokens>>> {
  return tokens.split({ train: 0.9, test: 0.1 }, { seed: 1 });
}

/** Which pieces sentences have: 1 for each that is in it. */
export function piecesOf({ data, shape: [rows] }: NDArray<'int32'>): NDArray<'float32', readonly [number, number]> {
  const bags = new Float32Array((rows as number) * PIECES);
  data.forEach((piece, i) => piece > 0 && (bags[Math.floor(i / WORDS) * PIECES + piece] = 1));
  return ndarray(bags, [rows as number, PIECES]);
}
