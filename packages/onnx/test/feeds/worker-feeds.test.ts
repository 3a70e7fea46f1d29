import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { BatchStream, Flow, StreamState } from '@dataref/core';
import { resumeSuite } from '@dataref/core/testing';
import { toOrtFeeds, type OrtBatch, type OrtWorkerFeeds } from '@dataref/onnx/pure';
import * as ort from 'onnxruntime-node';
import { scale } from '../../../core/test/scale.js';
import { input, modelOf, openEcho } from './tiny-model.js';

const module = (name: string) => new URL(`./modules/${name}`, import.meta.url);
const model = [
  input('image', 'uint8', ['N', 2, 2]),
  input('label', 'int64', ['N']),
  input('noise', 'float64', ['N']),
  input('word', 'string', ['N']),
  input('mask', 'float32', ['N']),
];
const session = modelOf(model);
const options = { session, ort, maskInput: 'mask' };
const plain = modelOf([input('image', 'uint8', ['N', 2, 2]), input('label', 'int32', ['N'])]);

const opened: OrtWorkerFeeds[] = [];
async function open(url: URL, given: Parameters<typeof toOrtFeeds>[1] = options): Promise<OrtWorkerFeeds> {
  const feeds = await toOrtFeeds(url, given);
  opened.push(feeds);
  return feeds;
}
afterEach(async () => {
  await Promise.all(opened.splice(0).map((feeds) => feeds.close()));
});

async function here(name: string): Promise<BatchStream> {
  const { batches } = (await import(module(name).href)) as { batches: () => BatchStream };
  return batches();
}
async function taken<T>(flow: AsyncIterable<T>, count = Infinity): Promise<T[]> {
  const items: T[] = [];
  for await (const item of flow) if (items.push(item) >= count) break;
  return items;
}
const labels = (batches: readonly OrtBatch[]): number[] =>
  batches.flatMap(({ feeds }) => Array.from(feeds['label']!.data as BigInt64Array, Number));

describe('feeds from a worker thread', () => {
  test('are those of the same stream here, with the same states', async () => {
    const [there, local] = [await open(module('digits.mjs')), toOrtFeeds(await here('digits.mjs'), options)];
    expect([there.length, there.epoch, there.state]).toEqual([local.length, local.epoch, local.state]);
    for (let epoch = 0; epoch < 2; epoch++) {
      const batches = await taken(there);
      const same = await taken(local);
      expect(batches).toEqual(same);
      expect(batches.map(({ state }) => state)).toEqual(same.map(({ state }) => state));
      expect(batches[0]!.feeds['image']).toBeInstanceOf(ort.Tensor);
      for (const { feeds } of batches)
        for (const { data } of Object.values(feeds))
          expect((data as Uint8Array).buffer).not.toBeInstanceOf(SharedArrayBuffer);
      expect(there.state).toEqual(local.state);
    }
    expect(there.skipped).toBe(0);
  });

  test('run in a session', async () => {
    const real = await openEcho(model);
    const there = await open(module('digits.mjs'), { ...options, session: real });
    const seen: number[] = [];
    for await (const { feeds } of there) {
      const outputs = await real.run(feeds);
      seen.push(...Array.from(outputs['seen.label']!.data as BigInt64Array, Number));
    }
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 22 }, (_, i) => i - 3));
    await real.release();
  });

  const suite = resumeSuite({
    pipeline: async () => (await open(module('digits.mjs'))) as unknown as Flow<OrtBatch>,
    iterations: scale < 1 ? 1 : 2, // a thread for each element, and more
  });
  test.each(suite.map(({ name, run }) => [name, run] as const))('%s', (_, run) => run());

  test.each(['digits.mjs', 'endless.mjs'])(
    'of a loop that was left go on with the epoch after the last batch taken, whatever was made ahead: %s',
    async (name) => {
      const given = { ...options, session: name === 'digits.mjs' ? session : plain, maskInput: undefined };
      if (name === 'digits.mjs') given.maskInput = 'mask' as never;
      const [there, local] = [await open(module(name), given), toOrtFeeds(await here(name), given)];
      for (const count of [2, 1, 6, 5, 3, 1]) {
        expect(labels(await taken(there, count))).toEqual(labels(await taken(local, count)));
        expect(there.state).toEqual(local.state);
        await new Promise((resolve) => setTimeout(resolve, count * 3));
      }
      const state = JSON.parse(JSON.stringify(there.state)) as StreamState;
      there.resume(state);
      local.resume(state);
      for (const count of [1, 2, 4])
        expect(labels(await taken(there, count))).toEqual(labels(await taken(local, count)));
    },
  );

  test('are made a few ahead, and no more than that', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dataref-'));
    const file = join(folder, 'made');
    const url = module('counting.mjs');
    url.searchParams.set('file', file);
    const there = await open(url, { session: plain, ort });
    const iterator = there[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(4);
    await iterator.return?.();
    await there.close();
    rmSync(folder, { recursive: true });
  });

  test('are made while the thread of the loop is blocked, as it is by a run', async () => {
    const there = await open(module('timed.mjs'), { session: modelOf([input('doneAt', 'float64', ['N'])]), ort });
    const iterator = there[Symbol.asyncIterator]();
    await iterator.next();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    const freeAgain = Date.now();
    for (let ahead = 0; ahead < 2; ahead++) {
      const { value } = (await iterator.next()) as IteratorResult<OrtBatch, OrtBatch>;
      expect(Number(value.feeds['doneAt']!.data[0])).toBeLessThan(freeAgain);
    }
    await iterator.return?.();
  });

  test('supersede an older iteration; concurrent calls are served in turn', async () => {
    const there = await open(module('digits.mjs'));
    const local = toOrtFeeds(await here('digits.mjs'), options);
    const old = there[Symbol.asyncIterator]();
    const results = await Promise.all([old.next(), old.next()]);
    expect(labels(results.map(({ value }) => value as OrtBatch))).toEqual(labels(await taken(local, 2)));
    const younger = await taken(there, 1);
    expect(labels(younger)).toEqual(labels(await taken(local, 1)));
    await expect(old.next()).rejects.toMatchObject({ code: 'SUPERSEDED' });
  });

  test('are copies of what a map of batches keeps, and poisoned when they expire, in debug mode', async () => {
    const z = modelOf([input('z', 'float32', [4]), input('again', 'float32', [4]), input('words', 'string', [4])]);
    const there = await open(module('mapped-batches.mjs'), { session: z, ort, poisonExpired: true });
    const kept: OrtBatch[] = [];
    for await (const batch of there) {
      const { z: tensor, again, words } = batch.feeds;
      expect([tensor, again].map((one) => Array.from(one!.data as Float32Array))).toEqual([[1, 2, 3, 4], [1, 2, 3, 4]]); // prettier-ignore
      expect(words!.data).toEqual(['a', 'b', 'c', 'd']);
      kept.push(batch);
    }
    expect(Array.from(kept[0]!.feeds['z']!.data as Float32Array)).toEqual([NaN, NaN, NaN, NaN]);
    expect(kept[0]!.feeds['words']!.data).toEqual(Array(4).fill('expired'));
  });
});

describe('what goes wrong in a worker thread', () => {
  const failing = (how: string) => {
    const url = module('failing.mjs');
    url.searchParams.set('how', how);
    return open(url, { session: plain, ort });
  };
  const message = { exit: /exit code 3/u, beside: /beside its promises/u } as const;

  test('in a map is told in its place, and the record can be tried again', async () => {
    const there = await failing('throw');
    const before: OrtBatch[] = [];
    const loop = async () => {
      for await (const batch of there) before.push(batch);
    };
    await expect(loop()).rejects.toMatchObject({ code: 'MAP_FAILED', message: expect.stringMatching(/seven/u), details: { index: 10 } }); // prettier-ignore
    expect(labels(before)).toEqual([-3, -2, -1, 0, 1, 2, 3, 4]);
    expect(labels(await taken(there.resume(there.state)))).toEqual(Array.from({ length: 14 }, (_, i) => i + 5));
  });

  test('kills it: told with a code, and a new thread goes on where the last batch was', async () => {
    const there = await failing('exit');
    const before: OrtBatch[] = [];
    const loop = async () => {
      for await (const batch of there) before.push(batch);
    };
    await expect(loop()).rejects.toMatchObject({ code: 'WORKER_DIED', message: expect.stringMatching(message.exit) });
    expect(labels(before).slice(0, 4)).toEqual([-3, -2, -1, 0]);
    expect(before).toHaveLength(2);
    const { state } = there;
    expect(state).toEqual(before[1]!.state);
    // Without resume, the next iteration is the next epoch, in a new thread.
    const [first] = await taken(there, 1);
    expect([first!.epoch, labels([first!])]).toEqual([1, [-3, -2, -1, 0]]);
    // The module begins anew there, and dies anew.
    await expect(taken(there.resume(state))).rejects.toMatchObject({ code: 'WORKER_DIED' });
    expect(there.state).toEqual(state);
    expect(labels(await taken(there.resume(undefined), 2))).toEqual([-3, -2, -1, 0, 1, 2, 3, 4]);
  });

  test('beside its promises kills it too', async () => {
    const there = await failing('beside');
    await expect(taken(there)).rejects.toMatchObject({ code: expect.stringMatching(/MAP_FAILED|WORKER_DIED/u) });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await expect(taken(there.resume(undefined))).rejects.toMatchObject({ code: expect.stringMatching(/MAP_FAILED|WORKER_DIED/u) }); // prettier-ignore
  });

  test.each([
    [
      'no-such-module.mjs',
      'INVALID_ARGUMENT',
      /could not make its stream.*new URL\('\.\/batches\.js', import\.meta\.url\)/u,
    ],
    ['no-default.mjs', 'INVALID_ARGUMENT', /no function as its default export/u],
    ['no-stream.mjs', 'INVALID_ARGUMENT', /gave no stream of batches/u],
    ['not-found.mjs', 'NOT_FOUND', /no dataset mnist/u],
  ])('before it begins: %s', async (name, code, text) => {
    await expect(toOrtFeeds(module(name), options)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(text),
    });
  });

  test('when the columns do not fit the model: told before the first batch', async () => {
    const url = module('endless.mjs');
    const wrong = { session: modelOf([input('labels', 'int32', ['N'])]), ort };
    await expect(toOrtFeeds(url, wrong)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', details: { input: 'labels' } }); // prettier-ignore
  });

  test('with a state of another stream: refused when the next batch is asked for', async () => {
    const there = await open(module('digits.mjs'));
    const other = (await here('endless.mjs')).state;
    expect(() => there.resume({} as StreamState)).toThrow(expect.objectContaining({ code: 'STATE_INVALID' }));
    await expect(taken(there.resume(other))).rejects.toMatchObject({ code: expect.stringMatching(/^STATE_/u) });
    expect(await taken(there.resume(undefined), 1)).toHaveLength(1);
  });

  test('reuseBuffers is refused, since arrays are moved', () => {
    expect(() => toOrtFeeds(module('digits.mjs'), { ...options, reuseBuffers: true } as never)).toThrow(
      /are moved here/u,
    );
  });
});

test('a thread is gone after close, in mid-loop too, and holds no process that waits for nothing', async () => {
  const threads = () => process.getActiveResourcesInfo().filter((name) => /Worker|MessagePort/u.test(name)).length;
  const before = threads();
  const there = await open(module('endless.mjs'), { session: plain, ort });
  const iterator = there[Symbol.asyncIterator]();
  await iterator.next();
  expect(threads()).toBe(before); // unreferenced while nothing is waited for
  const next = iterator.next();
  const closing = there.close();
  await next.catch((error: unknown) => expect(error).toMatchObject({ code: 'STREAM_CLOSED' }));
  await closing;
  await there.close();
  expect(threads()).toBe(before);
  await expect(iterator.next()).rejects.toMatchObject({ code: 'STREAM_CLOSED' });
  await expect(taken(there)).rejects.toMatchObject({ code: 'STREAM_CLOSED' });
});
