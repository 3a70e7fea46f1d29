import { describe, expect, test } from '@jest/globals';
import { mix, type Flow, type MapContext } from '@dataref/core';
import { failure } from '../expect-error.js';
import { iterate, range } from './gather.js';

/** Far more than ending takes on a busy machine. */
const PROMPTLY_MS = 20_000;

const never = (): Promise<never> => new Promise(() => undefined);
const fail = (): never => {
  throw new Error('no');
};
const silent: AsyncIterable<number> = { [Symbol.asyncIterator]: () => ({ next: never, return: never }) };

/** A function of the user's that never settles, wherever one may stand. */
const pipelines: Record<string, () => Flow<unknown>> = {
  map: () => range(9).stream().map(never),
  'map, batch': () => range(9).stream().map(never).batch(2),
  'map, prefetch': () => range(9).stream().map(never).batch(2).prefetch({ batches: 3 }),
  'map before filter': () => range(9).stream().map(never).filter(() => true), // prettier-ignore
  'map with onError': () => range(9).stream().map(never, { onError: 'skip' }),
  'onError of map': () => range(9).stream().map(fail, { onError: never }),
  filter: () => range(9).stream().filter(never),
  'filter, batch': () => range(9).stream().filter(never).batch(2).prefetch(),
  flatMap: () => range(9).stream().flatMap(never),
  'what flatMap gives': () =>
    range(9)
      .stream()
      .flatMap(() => silent),
  'map of batches': () => range(9).stream().batch(2).map(never),
  'map before unbatch': () => range(9).stream().batch(2).map(never).unbatch(),
  'map before pack': () => range(9).stream().map(never).pack(4),
  'map before bucketByLength': () => range(9).stream().map(never).bucketByLength(2),
  'a map in a mix': () => mix([range(9).stream().map(never)], { weights: [1], until: 'never' }),
  'filter under repeat': () => range(9).stream().filter(never).repeat(),
};

async function promptly<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it does not end')), PROMPTLY_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
const begun = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

describe.each(Object.entries(pipelines))('a function that never settles: %s', (_, make) => {
  test('does not keep close() waiting, nor the loop', async () => {
    const stream = make();
    const pending = expect(iterate(stream).next()).rejects.toEqual(failure('STREAM_CLOSED', /closed/));
    await begun();
    await promptly(stream.close());
    await promptly(pending);
  });

  test('does not keep a loop that is left waiting', async () => {
    const loop = iterate(make());
    const pending = loop.next();
    await begun();
    expect(await promptly(loop.return?.() as Promise<unknown>)).toEqual({ value: undefined, done: true });
    expect(await promptly(pending)).toEqual({ value: undefined, done: true });
  });

  test('does not keep an iteration that supersedes it waiting', async () => {
    const stream = make();
    const pending = expect(iterate(stream).next()).rejects.toEqual(failure('SUPERSEDED', /newer iteration/));
    await begun();
    const next = iterate(stream);
    const last = next.next();
    await promptly(pending);
    await promptly(next.return?.() as Promise<unknown>);
    await promptly(last);
  });
});

test('a function that waits for its signal is told', async () => {
  const waits = (_: unknown, { signal }: MapContext) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('told'))));
  const stream = range(9).stream().map(waits);
  const pending = expect(iterate(stream).next()).rejects.toEqual(failure('STREAM_CLOSED', /closed/));
  await begun();
  await promptly(stream.close());
  await promptly(pending);
});
