import { describe, expect, test } from '@jest/globals';
import { defineDataRef, field, fromColumns, fromRecords, ndarray } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { failure as refusal } from '../expect-error.js';
import { tempFolder } from '../temp-folder.js';

const storage = () => new FileStorage(tempFolder());

describe('values, functions and arguments that people give on the first day', () => {
  test('a typed array where a field says an array of another rank', async () => {
    const under = (value: unknown, shape: (number | null)[], dtype = 'uint8') =>
      fromRecords([{ a: value }] as never[], { schema: { a: field(dtype as 'uint8', shape) } } as never);
    await expect(under(new Uint8Array(784), [28, 28])).rejects.toEqual(
      refusal(
        'RAGGED',
        /\[784\], the schema says \[28, 28\]\. It has as many elements: give ndarray\(a, \[28, 28\]\)$/,
      ),
    );
    await expect(under(new Uint8Array(4), [2, 2], 'bool')).rejects.toEqual(
      refusal('RAGGED', /give ndarray\(a, \[2, 2\], 'bool'\)$/),
    );
    for (const shape of [
      [28, 28],
      [null, 2],
    ])
      await expect(under(new Uint8Array(5), shape)).rejects.toEqual(
        refusal('RAGGED', /an ndarray of 2 dimensions, or a schema that has 1: field\('uint8', \[5\]\)$/),
      );
    await expect(under(new Uint8Array(5), [4])).rejects.toEqual(
      refusal('RAGGED', /a schema with null: field\('uint8', \[null\]\)$/),
    );
  });

  test('ndarray without a shape', () => {
    const shapes: [unknown, string][] = [[undefined, 'undefined'], [4, '4'], ['4', '"4"'], [{}, 'an object']]; // prettier-ignore
    for (const [shape, got] of shapes)
      expect(() => ndarray(new Float32Array(4), shape as never)).toThrow(
        refusal('INVALID_ARGUMENT', new RegExp(`list of sizes, such as ndarray\\(data, \\[4\\]\\), got ${got}$`)),
      );
  });

  test('a map that forgets its return', async () => {
    const stream = () => fromColumns({ a: [1, 2, 3] }).stream();
    const first = async (batches: AsyncIterable<unknown>): Promise<void> => {
      for await (const _ of batches) return;
    };
    const forgotten = refusal('NULL_VALUE', /record 0: map gave undefined for it; is a `return` missing/);
    await expect(first(stream().map(() => {}).batch(2))).rejects.toEqual(forgotten); // prettier-ignore
    const module = new URL('data:text/javascript,export default () => {}');
    await expect(first(stream().map(module, { workers: 1 }).batch(2))).rejects.toEqual(forgotten);
    const later = stream().map(({ a }) => (a < 2 ? { a } : null));
    await expect(first(later.batch(3))).rejects.toEqual(refusal('NULL_VALUE', /record 1: map gave null/));
    const batches = () => stream().batch(2);
    await expect(first(batches().map((() => {}) as never))).rejects.toEqual(
      refusal('INVALID_ARGUMENT', /map of batches: .* batch 0 of epoch 0 is undefined; .*columns.*`return` missing/),
    );
    await expect(first(batches().map(((batch: unknown) => batch) as never))).rejects.toEqual(
      refusal('INVALID_ARGUMENT', /map of batches: .* is a batch; it returns an object of columns.*batch\.columns/),
    );
    await expect(first(batches().map((() => ({ a: 5 })) as never))).rejects.toEqual(
      refusal('INVALID_ARGUMENT', /map of batches: .*a must be a typed array.*got 5; it returns an object of columns/),
    );
  });

  test('an empty list, or other columns, in a record', async () => {
    await expect(storage().submit([{ a: [] }, { a: [1] }] as never[], 'x', '1')).rejects.toEqual(
      refusal('INVALID_ARGUMENT', /record 0: column "a" is an empty list, .*field\('float32', \[null\]\)/),
    );
    await expect(
      fromRecords([
        { b: 1, a: [] },
        { b: 1, a: [1] },
      ] as never[]),
    ).rejects.toEqual(
      refusal('SCHEMA_MISMATCH', /record 1: a: a list of 1 where the schema, or the first record, has an empty one\./),
    );
    await expect(fromRecords([{ a: 1 }, { a: 1, b: 2, c: 3 }])).rejects.toEqual(
      refusal('SCHEMA_MISMATCH', /record 1: the record: columns "b", "c" are not in the schema\./),
    );
  });

  test('split and defineDataRef without what they need', () => {
    const data = fromColumns({ a: [1, 2] }) as unknown as Record<string, (...given: unknown[]) => unknown>;
    const call = /split\(\{ train: 0\.9, test: 0\.1 \}, \{ seed: 1 \}\)/.source;
    for (const options of [undefined, {}])
      expect(() => data['split']?.({ a: 1 }, options)).toThrow(
        refusal('INVALID_ARGUMENT', new RegExp(`split: seed is missing: ${call}$`)),
      );
    expect(() => data['split']?.()).toThrow(
      refusal('INVALID_ARGUMENT', new RegExp(`fractions must be an object, such as ${call}, got undefined$`)),
    );
    const read = () => [];
    expect(() => defineDataRef({ read } as never)).toThrow(
      refusal('INVALID_ARGUMENT', /schema is missing; it needs \{/),
    );
    expect(() => defineDataRef({ read, schema: field('int8') } as never)).toThrow(
      refusal('INVALID_ARGUMENT', /length is missing; it needs \{/),
    );
  });

  test('a promise, a function, or other arguments in the place of records', async () => {
    const submit = (...given: unknown[]) => (storage().submit as (...all: unknown[]) => Promise<unknown>)(...given);
    function* records() {
      yield 1;
    }
    await expect(submit(Promise.resolve([1]), 'x', '1')).rejects.toEqual(
      refusal('INVALID_ARGUMENT', /got a Promise: await it$/),
    );
    await expect(submit(records, 'x', '1')).rejects.toEqual(refusal('INVALID_ARGUMENT', /got a function: call it$/));
    await expect(fromRecords(records as never)).rejects.toEqual(
      refusal('INVALID_ARGUMENT', /got a function: call it$/),
    );
    for (const [id, version] of [
      ['1', [1]],
      [[1], '1'],
    ])
      // prettier-ignore
      await expect(submit('x', id, version)).rejects.toEqual(
        refusal('INVALID_ARGUMENT', /records come first: submit\(records, id, version\)/),
      );
    const generator = records();
    await submit(generator, 'x', '1');
    const again = refusal('EMPTY', /A generator or stream gives its records once/);
    await expect(submit(generator, 'x', '1')).rejects.toEqual(again);
    await expect(fromRecords(generator)).rejects.toEqual(again);
    await expect(submit([], 'x', '1')).rejects.toEqual(refusal('EMPTY', /\{ schema \}\)$/));
  });

  test('a module of workers by its path', () => {
    const stream = fromColumns({ a: [1] }).stream();
    const by = (fn: unknown) => () => stream.map(fn as never, { workers: 1 });
    expect(by('./x.js')).toThrow(
      refusal('INVALID_ARGUMENT', /got ".\/x\.js": new URL\('.\/x\.js', import\.meta\.url\)/),
    );
    expect(by(5)).toThrow(refusal('INVALID_ARGUMENT', /got 5: new URL\('.\/augment\.js', import\.meta\.url\)/));
  });
});
