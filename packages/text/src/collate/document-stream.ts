import { DataRefError, type DataRef, type Stream } from '@dataref/core';
import { describeValue } from '@dataref/core/adapter';
import type { DocumentSchema } from '../windows/document-rows.js';

/** Documents to be streamed: of a dataset, all in their order. */
export type Documents = Stream<DocumentSchema> | DataRef<DocumentSchema>;

/** @param what the function that was given them, for messages @throws DataRefError INVALID_ARGUMENT for anything else */
export function documentStream(what: string, documents: Documents): Stream<DocumentSchema> {
  const given = Object(documents) as Partial<Stream<DocumentSchema> & DataRef<DocumentSchema>>;
  const stream = typeof given.stream === 'function' ? given.stream() : given;
  if (typeof stream.map === 'function' && typeof stream.pack === 'function') return stream as Stream<DocumentSchema>;
  throw new DataRefError(
    'INVALID_ARGUMENT',
    `${what} needs documents, as documents(split) gives them, or a stream of them, got ${describeValue(documents)}`,
  );
}
