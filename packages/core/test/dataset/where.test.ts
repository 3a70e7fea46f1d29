import { describe, expect, test } from '@jest/globals';
import { fromColumns } from '@dataref/core';
import { resumeSuite } from '@dataref/core/testing';
import { failure } from '../expect-error.js';
import { gather } from '../stream/gather.js';

const people = fromColumns({
  age: Int32Array.from({ length: 50 }, (_, i) => (i * 37) % 80),
  name: Array.from({ length: 50 }, (_, i) => `n${i}`),
});

describe('dataref.where', () => {
  test('is a dataset of the records that match, with a length', async () => {
    const adults = await people.where((record) => record.age >= 18);
    const all = await gather(adults.stream());
    const expected = (await gather(people.stream())).filter((record) => (record as { age: number }).age >= 18);
    expect(all).toEqual(expected);
    expect(adults.length).toBe(expected.length);
    expect(await adults.at(-1)).toEqual(expected.at(-1));
  });
  test.each<[unknown, RegExp]>([
    ['age', /where: columns: name at least one column, .*got "age"/],
    [[], /where: columns: name at least one column, .*got an array of 0/],
    [null, /where: columns: .*got null/],
    [['age', 'wage'], /where: columns: no column "wage"/],
    [[3], /where: columns: no column 3/],
  ])('refuses %j for columns', async (columns, message) => {
    await expect(people.where(() => true, { columns } as never)).rejects.toThrow(failure('INVALID_ARGUMENT', message));
  });

  test('gives the predicate only the columns that it names, and the index', async () => {
    const seen: unknown[] = [];
    const some = await people.where((record, index) => (seen.push(record), index % 10 === 0), { columns: ['age'] });
    expect(seen[3]).toEqual({ age: 31 });
    expect((await some.read([0, 1, 4])).columns.name).toEqual(['n0', 'n10', 'n40']);
  });
  test('has the same fingerprint for the same records, and another one for others', async () => {
    const of = async (least: number) => (await people.where((record) => record.age >= least)).fingerprint;
    expect(await of(31)).toBe(await of(31));
    expect(await of(31)).not.toBe(await of(32));
  });
  test('names the record on which the predicate fails, and ends with the signal', async () => {
    const broken = people.where((record) => { if (record.age === 31) throw new Error('odd'); return true; }); // prettier-ignore
    await expect(broken).rejects.toEqual(failure('MAP_FAILED', /record 3: odd/));
    const abort = new AbortController();
    const reason = new Error('enough');
    const waiting = people.where(() => new Promise<boolean>(() => undefined), { signal: abort.signal });
    abort.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(people.where('x' as never)).rejects.toEqual(failure('INVALID_ARGUMENT', /where needs a function/));
  });
  const pipeline = async () =>
    (await people.where((record) => record.age % 2 === 0)).stream({ shuffle: true, shuffleSeed: 1 }).batch(4);
  for (const { name, run } of resumeSuite({ pipeline })) test(name, run);
});
