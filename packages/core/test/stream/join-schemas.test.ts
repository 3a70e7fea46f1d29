import { describe, expect, test } from '@jest/globals';
import { concatStreams, field, mix, type Stream } from '@dataref/core';
import { failure } from '../expect-error.js';
import { gather, range } from './gather.js';

const joins = [
  ['mix', (streams: Stream[]) => mix(streams, { weights: streams.map(() => 1), until: 'allEnd' })],
  ['concatStreams', (streams: Stream[]) => concatStreams(streams)],
] as const;
/** Of which nothing is known before reading, and of which a schema is declared. */
const unknown = (make: (x: number) => unknown): Stream => range(3).stream().map(make) as any;
const declared = (name: string): Stream =>
  range(3).stream().map((x: number) => ({ [name]: x }), { schema: { [name]: field('float64') } }) as any; // prettier-ignore

describe.each(joins)('%s of streams that do not fit', (what, join) => {
  test('is refused as it is built, although the first declares no schema', () => {
    const message = new RegExp(`${what}: input 2 has \\{ b: .*input 1 has \\{ a: .*map them`, 'u');
    expect(() => join([unknown((x) => ({ a: x })), declared('a'), declared('b')])).toThrow(
      failure('SCHEMA_MISMATCH', message),
    );
    expect(() => join([declared('a'), unknown((x) => x), declared('b')])).toThrow(failure('SCHEMA_MISMATCH', /input 2.*input 0/)); // prettier-ignore
  });

  test('is told with the join and the input, where only reading shows it', async () => {
    const other = unknown((x) => ({ b: `${x}` }));
    const named = new RegExp(`^${what}: input 1: what the transforms gave: record 0`, 'u');
    const joined = () => join([unknown((x) => ({ a: x })), other]);
    await expect(gather(joined().batch(6))).rejects.toThrow(failure('SCHEMA_MISMATCH', named));
    await expect(gather(joined().filter(() => true).batch(6).unbatch())).rejects.toThrow(failure('SCHEMA_MISMATCH', named)); // prettier-ignore
    const nested = join([unknown((x) => ({ a: x })), mix([other], { weights: [1], until: 'allEnd' })]).batch(6);
    await expect(gather(nested)).rejects.toThrow(failure('SCHEMA_MISMATCH', new RegExp(`^${what}: input 1, mix: input 0: `, 'u'))); // prettier-ignore
  });

  test('of which all but the first declare one schema, goes on', async () => {
    const stream = join([unknown((x) => ({ a: x })), declared('a'), declared('a')]);
    const batches = await gather(stream.batch(9));
    expect(batches.map(({ length }) => length)).toEqual([9]);
  });
});
