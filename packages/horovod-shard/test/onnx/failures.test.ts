import { describe, expect, test } from '@jest/globals';
import { localCollectives } from '@dataref/horovod-shard';
import { dataParallel, type GlobalBatch } from '@dataref/horovod-shard/onnx';
import { sgd } from '@dataref/onnx/graph';
import * as ort from 'onnxruntime-node';
import { asRanks, feedsOf, networkOf, openSession, openSessions } from './points.js';

const tensor = (label: number, x = 0): Record<string, ort.Tensor> => ({
  x: new ort.Tensor('float32', new Float32Array(36).fill(x), [1, 1, 6, 6]),
  y: new ort.Tensor('int32', Int32Array.of(label), [1]),
});
const row = (label = 0, x = 0): GlobalBatch => ({ feeds: tensor(label, x), validLength: 1, globalLength: 3 });
const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'made',
    (error: unknown) => error,
  );

describe('a step that fails on one rank', () => {
  test.each([
    ['a label that is no class', () => row(17), 0.1, /index|indices/iu],
    [
      'feeds that lack an input',
      () => ({ ...row(), feeds: { x: tensor(0)['x'] as ort.Tensor } }),
      0.1,
      /'y' is missing/u,
    ],
    ['a learning rate that is no number', () => row(), NaN, /finite number/u],
    ['a batch that is none', () => ({}) as GlobalBatch, 0.1, /toOrtFeeds over globalBatch/u],
  ])('fails on all, which go on afterwards: %s', async (_name, batch, rate, said) => {
    await asRanks(3, networkOf(), async (training, _sessions, { rank }) => {
      await training.broadcast();
      const before = training.parameters();
      const error = await reasonOf(rank === 1 ? training.step(batch(), rate) : training.step(row(), 0.1));
      expect(error).toEqual(
        rank === 1
          ? expect.objectContaining({ message: expect.stringMatching(said) })
          : expect.objectContaining({
              code: 'COLLECTIVE_FAILED',
              message: expect.stringContaining('failed on 1 of 3 ranks'),
            }),
      );
      expect(training.parameters()).toEqual(before);
      expect((await training.step(row(), 0.1)).globalLength).toBe(3);
    });
  });

  test('of a loss that is not finite leaves parameters as they were, on all', async () => {
    await asRanks(2, networkOf(), async (training, _sessions, { rank }) => {
      await training.broadcast();
      const before = training.parameters();
      const batch = { ...row(0, rank === 0 ? NaN : 0), globalLength: 2 };
      await expect(training.step(batch, 0.1)).rejects.toMatchObject({ code: 'NOT_FINITE' });
      expect(training.parameters()).toEqual(before);
    });
  });

  test('takes the learning rate of rank 0 on all', async () => {
    const trained = await asRanks(2, networkOf(), async (training, _sessions, { rank }) => {
      await training.step({ ...row(), globalLength: 2 }, rank === 0 ? 0.1 : 0.7);
      return training.parameters();
    });
    expect(trained[1]).toEqual(trained[0]);
  });

  test('of ranks whose rows are not those of one global batch is refused on all', async () => {
    await asRanks(2, networkOf(), async (training) => {
      await expect(training.step({ ...row(), globalLength: 1 }, 0.1)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('the ranks have 2 rows together, and globalLength is 1'),
      });
    });
  });

  test('because a rank has left fails on the others', async () => {
    await asRanks(3, networkOf(), async (training, _sessions, collective) => {
      await training.broadcast();
      if (collective.rank === 2) return;
      await expect(training.step(row(), 0.1)).rejects.toMatchObject({ code: 'COLLECTIVE_FAILED' });
    });
  });
});

test('a signal that one rank hears stops all of them after the same step', async () => {
  const stops = await asRanks(
    3,
    networkOf(),
    async (training, sessions, collective) => {
      let steps = 0;
      for await (const element of feedsOf(collective, sessions, 8)) {
        const { stop } = await training.step(element, 0.01);
        steps++;
        if (stop) break;
      }
      return [steps, training.parameters()] as const;
    },
    {
      preemption: new (class {
        #asked = 0;
        /** Asked for by the three ranks in turn: one of them hears it at the fourth step. */
        get asked(): NodeJS.Signals | undefined {
          return ++this.#asked === 11 ? 'SIGUSR1' : undefined;
        }
      })(),
    },
  );
  expect(stops.map(([steps]) => steps)).toEqual([4, 4, 4]);
  for (const [, state] of stops) expect(state).toEqual(stops[0]?.[1]);
});

test('a second step before the first is done is refused', async () => {
  await asRanks(1, networkOf(), async (training) => {
    const first = training.step({ ...row(), globalLength: 1 }, 0.1);
    await expect(training.step({ ...row(), globalLength: 1 }, 0.1)).rejects.toThrow(/await each/u);
    await first;
  });
});

test('sessions, parameters and options that do not fit are refused, by name', async () => {
  const network = networkOf();
  const sessions = await openSessions(network);
  const other = await openSessions(networkOf('CNN', sgd()));
  const whole = await openSession(network.trainingGraph);
  const [collective] = localCollectives(1);
  const parameters = network.initialState(1);
  const { 'dense1.bias': bias, ...rest } = parameters;
  const make = (options: object) => () =>
    dataParallel({ collective, ort, ...sessions, parameters, ...options } as Parameters<typeof dataParallel>[0]);
  const refused = (options: object, message: RegExp): void =>
    expect(make(options)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) }),
    );
  refused({ gradientSession: whole }, /gradientSession should be of a graph with outputs loss.*NAME\.grad/u);
  refused({ updateSession: sessions.gradientSession }, /updateSession should be of a graph with outputs NAME\.out/u);
  refused({ updateSession: other.updateSession }, /not of one network: dense1\.weight is float32\[6,36\]/u);
  refused({ updateSession: whole }, /dense1\.weight/u);
  refused({ gradientSession: {} }, /gradientSession must be an InferenceSession/u);
  refused({ parameters: rest }, /parameters\.dense1\.bias must be float32\[6\] of 6 elements, got nothing/u);
  refused({ parameters: { ...rest, 'dense1.bias': { ...bias, shape: [3, 2] } } }, /got float32\[3,2\]/u);
  refused({ parameters: { ...parameters, more: bias } }, /parameters has more/u);
  refused({ parameters: undefined }, /dense1\.weight/u);
  refused({ collective: undefined }, /collective must be/u);
  refused({ ort: {} }, /ort must be/u);
  refused({ stream: 1 }, /stream/u);
  expect(make({})).not.toThrow();
  await Promise.all([...Object.values(sessions), ...Object.values(other), whole].map((session) => session.release()));
});
