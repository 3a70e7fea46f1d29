import { field, fromRecords, type DataRef } from '@dataref/core';
import type { DocumentSchema } from '@dataref/text';
import * as fc from 'fast-check';

export const anyDocuments: fc.Arbitrary<number[][]> = fc.array(
  fc.array(fc.integer({ min: 1, max: 99 }), { maxLength: 12 }),
  {
    minLength: 1,
    maxLength: 14,
  },
);

/** Documents in memory, in the form of a cache's. */
export function documentsOf(documents: readonly (readonly number[])[]): Promise<DataRef<DocumentSchema>> {
  const schema = { tokens: field('int32', [null]) };
  return fromRecords(
    documents.map((tokens) => ({ tokens: Int32Array.from(tokens) })),
    { schema },
  );
}
