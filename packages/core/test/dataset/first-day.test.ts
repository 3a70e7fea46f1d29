import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { field, fromColumns, fromRecords, ndarray, parseState, type Batch } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dataref-first-day-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const storage = () => new FileStorage(folder);
const refusal = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe('what people write on the first day either works or says what to write', () => {
  test('lists of numbers, as JSON has them, are arrays where a field says so', async () => {
    const records = [
      { tokens: [1, 2, 3], grid: [[1, 2], [3, 4]] }, // prettier-ignore
      { tokens: [], grid: [[5, 6], [7, 8]] }, // prettier-ignore
    ] as never[];
    const schema = { tokens: field('int32', [null]), grid: field('float32', [2, 2]) };
    const stored = await storage().submit(records, 'json', '1', { schema });
    expect(await stored.at(0)).toEqual({
      tokens: ndarray(Int32Array.of(1, 2, 3), [3]),
      grid: ndarray(Float32Array.of(1, 2, 3, 4), [2, 2]),
    });
    expect((await stored.at(1)).tokens.shape).toEqual([0]);
    const bad = (tokens: unknown) =>
      fromRecords([{ tokens } as never], { schema: { tokens: field('int32', [null, 2]) } });
    await expect(bad([[1, 2], [3]])).rejects.toEqual(
      refusal('RAGGED', /record 0: tokens has lists of differing lengths/),
    );
    await expect(bad([[1, 2.5]])).rejects.toEqual(refusal('LOSSY_CAST', /tokens is int32/));
  });

  test('a long list without a field', async () => {
    const list = Array.from({ length: 784 }, () => 0);
    await expect(fromRecords([{ image: list }])).rejects.toEqual(
      refusal('SCHEMA_MISMATCH', /Float32Array\.from\(list\), or a schema/),
    );
  });

  test('lists of differing lengths without a field', async () => {
    const records = [{ a: [1, 2] }, { a: [1, 2, 3] }];
    const message = /record 1: a: a list of 3 where there are 2 columns.*field\('int32', \[null\]\).*typed arrays/;
    await expect(fromRecords(records)).rejects.toEqual(refusal('SCHEMA_MISMATCH', message));
    await expect(fromRecords([{ a: [1] }, { a: [] }])).rejects.toEqual(refusal('SCHEMA_MISMATCH', /a list of 0/));
  });

  test('another name in the schema than in the record', async () => {
    const made = fromRecords([{ a: 1, c: 2 } as never], { schema: { b: field('int32'), c: field('int32') } });
    await expect(made).rejects.toEqual(
      refusal(
        'SCHEMA_MISMATCH',
        /record 0: the record: column "b" is missing, and column "a" is not in the schema\. .*of the schema/,
      ),
    );
  });

  test('dtypes and shapes in the place of fields', async () => {
    const under = (schema: unknown) => storage().submit([{ a: { b: 1 } }], 'x', '1', { schema } as never);
    await expect(under({ a: { b: 'int32' } })).rejects.toEqual(
      refusal('INVALID_ARGUMENT', /schema: a\.b must be .*got "int32": did you mean field\('int32'\)\?/),
    );
    await expect(under({ a: 'float' })).rejects.toEqual(
      refusal('INVALID_ARGUMENT', /schema: a must be .*got "float": did you mean field\('float32'\)\?$/),
    );
    expect(() => field('float' as never)).toThrow(
      refusal('INVALID_ARGUMENT', /"float": did you mean 'float32'\?; there are bool, int8, .*bytes/),
    );
    expect(() => field('int' as never)).toThrow(refusal('INVALID_ARGUMENT', /"int": did you mean 'int32'\?/));
    for (const unknown of ['flaot', 'constructor', '__proto__'])
      expect(() => field(unknown as never)).toThrow(refusal('INVALID_ARGUMENT', /"\w+"; there are bool/));
    for (const shape of [28, null, '28'])
      expect(() => field('uint8', shape as never)).toThrow(
        refusal('INVALID_ARGUMENT', /field: the shape must be a list of sizes, such as \[28, 28\], got (28|null)/),
      );
  });

  test('numbers as the environment gives them', () => {
    const data = fromColumns({ a: [1, 2] });
    const text = (value: string) =>
      refusal('INVALID_ARGUMENT', new RegExp(`got "${value}" \\(a string; use Number\\(…\\)\\)`));
    expect(() => data.stream({ shardRank: '0', numShards: 4 } as never)).toThrow(text('0'));
    expect(() => data.stream({ shardRank: 0, numShards: '4' } as never)).toThrow(text('4'));
    expect(() => data.stream({ shuffle: true, shuffleSeed: '1' } as never)).toThrow(text('1'));
    expect(() => data.stream({ startOffset: '1' } as never)).toThrow(text('1'));
    expect(() => data.stream().batch('32' as never)).toThrow(text('32'));
    expect(() => data.split({ a: 1 }, { seed: '7' as never })).toThrow(text('7'));
    expect(() => data.stream().batch('many' as never)).toThrow(refusal('INVALID_ARGUMENT', /got "many" \(a string\)$/));
  });

  test('a typed array or a path given to submit', async () => {
    const submit = (data: unknown) => storage().submit(data as never[], 'x', '1');
    await expect(submit(new Float32Array(3))).rejects.toEqual(refusal('INVALID_ARGUMENT', /fromColumns\(array\)/));
    await expect(submit('data.csv')).rejects.toEqual(refusal('INVALID_ARGUMENT', /"data\.csv"; docs\/recipes\.md/));
  });

  test('a schema for a DataRef that has another', async () => {
    const data = fromColumns({ a: [1, 2] });
    const submit = storage().submit(data as never, 'x', '1', { schema: { a: field('uint8') } } as never);
    await expect(submit).rejects.toEqual(refusal('INVALID_ARGUMENT', /its own schema, \{ a: float64 \}/));
  });

  test('a seed without shuffle, and lists that are none', async () => {
    const data = fromColumns({ a: [1, 2] });
    expect(() => data.stream({ shuffleSeed: 9 } as never)).toThrow(refusal('INVALID_ARGUMENT', /shuffle: true/));
    await expect(data.read(1 as never)).rejects.toEqual(refusal('INVALID_ARGUMENT', /list of indices/));
    await expect(data.at('0' as never)).rejects.toEqual(refusal('OUT_OF_RANGE', /must be an integer/));
  });

  test('a state that is text, or a batch', async () => {
    const batches = fromColumns({ a: [1, 2] })
      .stream()
      .batch(1);
    expect(() => parseState(JSON.stringify(batches.state))).toThrow(refusal('STATE_INVALID', /JSON\.parse it first/));
    for await (const batch of batches)
      expect(() => parseState(batch)).toThrow(refusal('STATE_INVALID', /batch\.state/));
  });

  test('a version left out, an id that there is not', async () => {
    await storage().submit([1], 'there', '1');
    await expect(storage().fetch('there', undefined as never)).rejects.toEqual(refusal('INVALID_ID', /such as '1\.0'/));
    await expect(storage().fetch('their', '1')).rejects.toEqual(refusal('NOT_FOUND', /there are .*there/));
  });

  test('streams in the console are one line', () => {
    const stream = fromColumns({ a: [1, 2] }).stream();
    expect(inspect(stream)).toBe('Stream of 2 records, 2 elements an epoch');
    expect(inspect(stream.batch(2))).toBe('BatchStream of 2 records, 1 elements an epoch');
  });
});

test('a damaged manifest hides no other dataset from list', async () => {
  const apart = new FileStorage(join(folder, 'apart'));
  for (const id of ['a', 'b', 'c']) await apart.submit([1], id, '1');
  const { writeFileSync } = await import('node:fs');
  writeFileSync(join(folder, 'apart', 'b', '1', 'dataset.json'), '{');
  const seen: string[] = [];
  const list = async (): Promise<void> => {
    for await (const { id } of apart.list()) seen.push(id);
  };
  await expect(list()).rejects.toEqual(refusal('CORRUPT', /b\/1\/dataset\.json/));
  expect(seen).toEqual(['a', 'c']);
});

test('a map of records and a map of batches draw numbers of their own', async () => {
  const drawn: number[] = [];
  const stream = fromColumns({ a: [1] })
    .stream({ shuffle: true, shuffleSeed: 1 })
    .map((record, { random }) => {
      drawn.push(random());
      return record;
    })
    .batch(1)
    .map((batch: Batch, { random }) => {
      drawn.push(random());
      return batch.columns;
    });
  for await (const _ of stream);
  expect(drawn).toHaveLength(2);
  expect(drawn[0]).not.toBe(drawn[1]);
});

test('close returns though a prefetched map never does', async () => {
  const stream = fromColumns({ a: [1, 2, 3] })
    .stream()
    .map(() => new Promise<number>(() => undefined))
    .prefetch();
  void stream[Symbol.asyncIterator]()
    .next()
    .catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 10));
  await stream.close();
});
