import { ndarray, type Field, type PackOptions, type Stream } from '@dataref/core';
import { countOf, optionsOf, refuseUnknown } from '@dataref/core/adapter';
import { documentStream, type Documents } from './document-stream.js';
import { IGNORED_LABEL, nextIds } from './labels.js';

type Row = Field<'int32', readonly [number]>;

/** What a packed row looks like: `length` positions in each column. */
export type PackedSchema = {
  /** Tokens of documents, one after another; 0 where there is none. */
  readonly inputs: Row;
  /** For each token the next one of its document; IGNORED_LABEL for a document's last, and where there is none. */
  readonly labels: Row;
  /** Which document of the row a token is of: 1, 2, …; 0 where there is none. The mask of documents, from which `documentMask` makes a square. */
  readonly segmentIds: Row;
  /** A token's place in its document, from 0. */
  readonly positions: Row;
};

export interface TokenPackOptions extends Pick<PackOptions, 'strategy' | 'blockSize' | 'remainder'> {
  /** Positions of a row, from 1. */
  readonly length: number;
  /** Id that ends each document, where it does not end with it already. Default: documents as they are. */
  readonly separator?: number | undefined;
}

const LIST = { dtype: 'int32', shape: [null] } as const;

/**
 * Documents of differing lengths as rows of one length. `concatenate` (default) puts one after another and cuts them
 * wherever a row is full, a label being the next token all the same; `best-fit` keeps those whole that fit a row, and puts
 * them where they fill it best. The stream resumes in the midst of a document, at any number of shards.
 * @param documents a stream of them, shuffled or not; of a dataset, all in their order
 * @returns rows of int32[length]
 * @throws DataRefError INVALID_ARGUMENT
 */
export function pack(documents: Documents, options: TokenPackOptions): Stream<PackedSchema> {
  const { length, separator, strategy, blockSize, remainder, ...unknown } = optionsOf('pack', options);
  refuseUnknown('pack', unknown, ['length', 'separator', 'strategy', 'blockSize', 'remainder']);
  countOf('pack: length', length, 1);
  if (separator !== undefined) countOf('pack: separator', separator, 0, 2 ** 31 - 1);
  const row = { dtype: 'int32', shape: [length] } as const;
  return documentStream('pack', documents)
    .map(({ tokens }) => labelled(tokens.data, separator), {
      schema: { inputs: LIST, labels: LIST },
      id: `labels ${separator ?? ''}`,
    })
    .pack(length, { strategy, blockSize, remainder })
    .map(withoutPadding, { schema: { inputs: row, labels: row, segmentIds: row, positions: row }, id: 'labels' });
}

function labelled(tokens: Int32Array, separator: number | undefined) {
  const isEnded = separator === undefined || tokens.length === 0 || tokens.at(-1) === separator;
  const inputs = new Int32Array(tokens.length + (isEnded ? 0 : 1));
  inputs.set(tokens);
  if (!isEnded) inputs[tokens.length] = separator;
  return { inputs: ndarray(inputs, [inputs.length]), labels: ndarray(nextIds(inputs), [inputs.length]) };
}

interface PackedRow {
  readonly labels: { readonly data: Int32Array };
  readonly segmentIds: { readonly data: Int32Array };
}

/** Padding is zero, which is a token. */
function withoutPadding<R extends PackedRow>(row: R): R {
  const { labels, segmentIds } = row;
  const end = segmentIds.data.indexOf(0);
  if (end >= 0) labels.data.fill(IGNORED_LABEL, end);
  return row;
}
