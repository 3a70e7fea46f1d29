import { expect, test } from '@jest/globals';
import { fromColumns } from '@dataref/core';

const dataset = fromColumns(Int32Array.from({ length: 20 }, (_, i) => i));
const shuffled = () => dataset.stream({ shuffle: true, shuffleSeed: 3 });

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

test('a transform chained after resume goes on from the state', async () => {
  const whole = (await all(shuffled().batch(4))).map((batch) => [...batch.columns.data]);
  const first = shuffled().batch(4);
  const iterator = first[Symbol.asyncIterator]();
  await iterator.next();
  await iterator.next();
  const state = JSON.parse(JSON.stringify(first.state));
  const rest = await all(shuffled().batch(4).resume(state).prefetch({ batches: 2 }));
  expect(rest.map((batch) => [...batch.columns.data])).toEqual(whole.slice(2));
});

test('a transform that the state knows nothing of is refused, not begun anew', async () => {
  const first = shuffled().batch(4);
  await first[Symbol.asyncIterator]().next();
  const resumed = shuffled().batch(4).resume(first.state).repeat(2);
  await expect(all(resumed)).rejects.toMatchObject({ code: 'STATE_PIPELINE' });
});

test('resume(undefined) takes the state back, for what is derived too', async () => {
  const first = shuffled().batch(4);
  await first[Symbol.asyncIterator]().next();
  const anew = shuffled().batch(4).resume(first.state).resume(undefined).take(1);
  const [whole] = await all(shuffled().batch(4));
  expect((await all(anew))[0]?.columns).toEqual(whole?.columns);
});
