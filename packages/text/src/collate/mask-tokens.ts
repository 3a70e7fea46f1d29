import { DataRefError, ndarray, type Field, type NDArray, type Stream } from '@dataref/core';
import { countOf, describeValue, optionsOf, refuseUnknown } from '@dataref/core/adapter';
import { documentStream, type Documents } from './document-stream.js';
import { IGNORED_LABEL } from './labels.js';

type List = Field<'int32', readonly [null]>;

/** Documents with tokens hidden: `labels` are the tokens that were there, IGNORED_LABEL where nothing is to be told. */
export type MaskedSchema = { readonly tokens: List; readonly labels: List };

export interface MaskOptions {
  /** Id of the token that hides others ([MASK]). */
  readonly maskId: number;
  /** Ids of the tokenizer, from which a few tokens are replaced at random. */
  readonly vocabSize: number;
  /** Ids that are never hidden: [CLS], [SEP], … */
  readonly specialIds?: readonly number[] | undefined;
  /** Of each token to be chosen. Default 0.15. */
  readonly probability?: number | undefined;
}

const SCHEMA = {
  tokens: { dtype: 'int32', shape: [null] },
  labels: { dtype: 'int32', shape: [null] },
} as const;

/**
 * Documents for masked language models: of each, tokens are chosen at random, and of those 80 % become `maskId`, 10 % any
 * token, and 10 % stay. The choice depends on the stream's seed, the epoch and the document alone, so that it is the same
 * after a resume, on any rank. `pad` makes batches of it.
 * @param documents a stream of them; of a dataset, all in their order
 * @returns `tokens` and `labels`, int32[number of the document's tokens]
 * @throws DataRefError INVALID_ARGUMENT
 * @see `DataCollatorForLanguageModeling` of transformers; Devlin et al., "BERT" (2018)
 */
export function maskTokens(documents: Documents, options: MaskOptions): Stream<MaskedSchema> {
  const { maskId, vocabSize, specialIds = [], probability = 0.15, ...unknown } = optionsOf('maskTokens', options);
  refuseUnknown('maskTokens', unknown, ['maskId', 'vocabSize', 'specialIds', 'probability']);
  countOf('maskTokens: vocabSize', vocabSize, 1, 2 ** 31);
  countOf('maskTokens: maskId', maskId, 0, vocabSize - 1);
  if (typeof probability !== 'number' || !(probability >= 0 && probability <= 1))
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `maskTokens: probability must be a number from 0 to 1, got ${describeValue(probability)}`,
    );
  const special = new Set(specialIds);
  return documentStream('maskTokens', documents).map(
    ({ tokens }, { random }) => {
      const ids = tokens.data.slice();
      const labels = new Int32Array(ids.length).fill(IGNORED_LABEL);
      for (const [at, id] of ids.entries()) {
        if (special.has(id) || random() >= probability) continue;
        labels[at] = id;
        const choice = random();
        if (choice < 0.8) ids[at] = maskId;
        else if (choice < 0.9) ids[at] = Math.floor(random() * vocabSize);
      }
      return { tokens: listOf(ids), labels: listOf(labels) };
    },
    { schema: SCHEMA, id: `mask ${JSON.stringify([maskId, vocabSize, specialIds, probability])}` },
  );
}

function listOf(ids: Int32Array<ArrayBuffer>): NDArray<'int32', readonly [number]> {
  return ndarray(ids, [ids.length]);
}
