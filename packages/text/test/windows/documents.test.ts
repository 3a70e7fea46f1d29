import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import * as fc from 'fast-check';
import { gather } from '../../../core/test/stream/gather.js';
import { announceSeed, runs } from '../../../core/test/scale.js';
import { documents } from '../../dist/windows/token-files.js';
import { tokenFolder, tokensOf, WAYS, writeNpy } from './token-samples.js';

const seed = announceSeed('text/documents');
jest.setTimeout(600_000);

describe.each(WAYS)('documents read $name', (way) => {
  test('are the tokens between their ends, in any order, in batches, padded and one by one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 30 }), async (sizes) => {
        const folder = await tokenFolder();
        let end = 0;
        const ends = sizes.map((size) => (end += size));
        const tokens = tokensOf(end);
        const data = await documents(
          await writeNpy(join(folder, 'train.npy'), 'uint16', tokens),
          await writeNpy(join(folder, 'train.documents.npy'), 'int64', ends),
          { fingerprint: 'x', ...way },
        );
        const wanted = ends.map((last, i) => tokens.slice(ends[i - 1] ?? 0, last));
        expect(data.length).toBe(wanted.length);
        const seen: number[][] = [];
        for await (const { columns, indices } of data.stream({ shuffle: true, shuffleSeed: 3 }).batch(4))
          columns.tokens.forEach((row, i) => (seen[indices[i] as number] = Array.from(row.data)));
        expect(seen).toEqual(wanted);
        expect(Array.from((await data.at(-1)).tokens.data)).toEqual(wanted.at(-1));
        const [padded] = await gather(data.stream().batch(sizes.length, { ragged: 'pad' }));
        expect(padded?.columns.tokens.shape).toEqual([sizes.length, Math.max(...sizes)]);
      }),
      { seed, numRuns: runs(300) },
    );
  });
});
