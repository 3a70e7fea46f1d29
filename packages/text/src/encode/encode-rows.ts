import { DataRefError } from '@dataref/core';
import { describeValue } from '@dataref/core/adapter';
import type { TokenDType } from '../npy/header.js';
import type { TextRow } from '../source/text-source.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';

/** How rows become tokens. */
export interface EncodeSettings {
  readonly dtype: TokenDType;
  /** Put after each text that is not empty; undefined for none. */
  readonly eosId: number | undefined;
}

/** Tokens of some rows, one after the other, and how many each row has. */
export interface EncodedRows {
  readonly tokens: Uint16Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
  readonly lengths: Int32Array<ArrayBuffer>;
}

/**
 * Encodes rows, each on its own.
 * - With an EOS every column is encoded by itself, and the EOS put after it where its text is not empty, as in Archai.
 * - Without, two columns are a pair, for tokenizers that put separators between; of more, each is encoded by itself.
 * - A null gives nothing.
 * @throws DataRefError MAP_FAILED where the tokenizer throws, OUT_OF_RANGE for an id at or above its vocabSize; `details.row` counts from the first of these rows
 */
export function encodeRows(
  tokenizer: Tokenizer,
  rows: readonly TextRow[],
  { dtype, eosId }: EncodeSettings,
): EncodedRows {
  const ids = new TokenBuffer(dtype, tokenizer.vocabSize);
  const lengths = new Int32Array(rows.length);
  for (const [i, row] of rows.entries()) {
    const before = ids.length;
    try {
      if (eosId !== undefined) {
        for (const text of row) {
          if (text === null) continue;
          ids.add(tokenizer.encode(text));
          if (text !== '') ids.add([eosId]);
        }
      } else {
        const texts = row.filter((text) => text !== null);
        const [first = '', second] = texts;
        if (row.length === 2 && texts.length === 2) ids.add(tokenizer.encode(first, second));
        else for (const text of texts) ids.add(tokenizer.encode(text));
      }
    } catch (error) {
      throw rowFailure(i, error);
    }
    lengths[i] = ids.length - before;
  }
  return { tokens: ids.take(), lengths };
}

/** The failure of a row, told by its place among those that were encoded together. */
function rowFailure(row: number, error: unknown): DataRefError {
  if (error instanceof BadId)
    return new DataRefError('OUT_OF_RANGE', error.message, { details: { row, id: error.id } });
  const { message = describeValue(error) } = Object(error) as { readonly message?: unknown };
  return new DataRefError(
    'MAP_FAILED',
    `the tokenizer failed: ${typeof message === 'string' ? message : describeValue(message)}`,
    { cause: error, details: { row } },
  );
}

class BadId extends Error {
  readonly id: number;
  constructor(id: number, vocabSize: number) {
    super(`the tokenizer gave the id ${id}, and says that its vocabSize is ${vocabSize}: every id must be below that`);
    this.id = id;
  }
}

/** Grows as ids come. */
class TokenBuffer {
  length = 0;
  #data: EncodedRows['tokens'];
  readonly #vocabSize: number;

  constructor(dtype: TokenDType, vocabSize: number) {
    this.#data = dtype === 'uint16' ? new Uint16Array(4096) : new Int32Array(4096);
    this.#vocabSize = vocabSize;
  }

  add(ids: ArrayLike<number>): void {
    const { length } = Object(ids) as { readonly length?: unknown };
    if (!Number.isSafeInteger(length) || (length as number) < 0)
      throw new Error(`it gave ${describeValue(ids)}, expected a list of ids`);
    const end = this.length + ids.length;
    if (end > this.#data.length) {
      const grown = new (this.#data.constructor as new (length: number) => EncodedRows['tokens'])(
        Math.max(end, 2 * this.#data.length),
      );
      grown.set(this.#data.subarray(0, this.length));
      this.#data = grown;
    }
    const data = this.#data;
    const vocabSize = this.#vocabSize;
    for (let i = 0, at = this.length; i < ids.length; i++, at++) {
      const id = ids[i] as number;
      if (!(id >= 0 && id < vocabSize && Number.isInteger(id))) throw new BadId(id, vocabSize);
      data[at] = id;
    }
    this.length = end;
  }

  take(): EncodedRows['tokens'] {
    return this.#data.slice(0, this.length);
  }
}
