// What is sent: workers load this module, wherever they are.
import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';
import { ndarray, type Batch, type Field, type NDArray } from '@dataref/core';

const file = new URL('../sentences/tokenizer.json', import.meta.url);
const tokenizer = new Tokenizer(JSON.parse(readFileSync(file, 'utf8')), {});
export const PIECES = 4000;

/** What it reads of a record. */
export type Sentence = {
  readonly text: Field<'string', readonly []>;
  readonly label: Field<'float64', readonly []>;
};

/** Token ids of a batch of sentences, padded with zeros and cut to `length`. */
export function tokenize(
  { length: rows, columns }: Batch<Sentence>,
  length: number,
): { ids: NDArray<'int32', readonly [number, number]>; label: Uint8Array } {
  const ids = new Int32Array(rows * length);
  columns.text.forEach((text, row) => ids.set(tokenizer.encode(text).ids.slice(0, length), row * length));
  return { ids: ndarray(ids, [rows, length]), label: Uint8Array.from(columns.label.data) };
}
