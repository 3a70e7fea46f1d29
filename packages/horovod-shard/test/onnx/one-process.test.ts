import { describe, expect, test } from '@jest/globals';
import { adam, adamW, sgd } from '@dataref/onnx/graph';
import { localCollectives } from '@dataref/horovod-shard';
import { toOrtFeeds } from '@dataref/onnx/pure';
import * as ort from 'onnxruntime-node';
import {
  asRanks,
  distance,
  feedsOf,
  networkOf,
  openSession,
  points,
  RECORDS,
  stepOf,
  STREAM,
  trainedAlone,
  type State,
} from './points.js';

const EPOCHS = 2;

/** The states of all ranks after two epochs. */
function trained(
  ranks: number,
  network: ReturnType<typeof networkOf>,
  batch: number,
  remainder?: 'keep' | 'pad' | 'drop',
): Promise<State[]> {
  return asRanks(ranks, network, async (training, sessions, collective) => {
    const feeds = feedsOf(collective, sessions, batch, remainder);
    for (let epoch = 0; epoch < EPOCHS; epoch++) for await (const element of feeds) await training.step(element, 0.01);
    return training.parameters();
  });
}

function expectSteps(states: readonly State[], expected: State): void {
  for (const state of states) expect(state).toEqual(states[0]);
  expect(distance(states[0] as State, expected)).toBeLessThan(1e-5);
}

describe.each([2, 3, 4])('%i ranks that are given the parameters of rank 0', (ranks) => {
  // Tails of 2 and 0 records, a world that does not divide the batch, or has more ranks than it has records.
  test.each([
    [8, 'keep'],
    [3, 'keep'],
    [RECORDS, 'keep'],
    [8, 'drop'],
    [8, 'pad'],
  ] as const)('end as one process does: Adam, global batches of %i, tails: %s', async (batch, remainder) => {
    const network = networkOf('MLP', adam(), 'mask');
    const expected = await trainedAlone(network, batch, { epochs: EPOCHS, remainder });
    expectSteps(await trained(ranks, network, batch, remainder), expected);
  });

  test.each([
    ['momentum', sgd({ momentum: 0.9 })],
    ['AdamW', adamW()],
  ])('end as one process does: a CNN without a mask, %s', async (_name, optimizer) => {
    const network = networkOf('CNN', optimizer);
    expectSteps(await trained(ranks, network, 8), await trainedAlone(network, 8, { epochs: EPOCHS }));
  });
});

test('one rank makes the steps of the training graph, to the bit', async () => {
  for (const optimizer of [sgd({ momentum: 0.9 }), adam(), adamW()]) {
    const network = networkOf('CNN', optimizer);
    expect(await trained(1, network, 8)).toEqual([await trainedAlone(network, 8, { epochs: EPOCHS })]);
  }
});

test('ranks are given the state of rank 0, and what it has read', async () => {
  const network = networkOf();
  const given = await asRanks(3, network, async (training, _sessions, { rank }) => {
    const value = await training.broadcast(rank === 0 ? { step: 7, state: { epoch: 1 } } : undefined);
    const nothing = await training.broadcast();
    return { value, nothing, parameters: training.parameters() };
  });
  const value = { step: 7, state: { epoch: 1 } };
  expect(given).toEqual(given.map(() => ({ value, nothing: undefined, parameters: network.initialState(1) })));
});

test('parameters averaged after every step are those of the mean gradient for SGD with momentum, and not for Adam', async () => {
  const averaged = async (network: ReturnType<typeof networkOf>, size: number): Promise<State> => {
    const session = await openSession(network.trainingGraph);
    const states = await Promise.all(
      localCollectives(size).map(async (collective) => {
        let state = network.initialState(1) as State;
        const stream = points.stream({ ...STREAM, shardRank: collective.rank, numShards: size }).globalBatch(8);
        for await (const batch of toOrtFeeds(stream, { session, ort })) {
          const { feeds, validLength, globalLength } = batch;
          const next = validLength === 0 ? state : await stepOf(session, feeds, state);
          for (const { data } of Object.values(next)) {
            const share = (data as Float32Array).map((element) => (element * validLength) / globalLength);
            (data as Float32Array).set(await collective.allreduce(share));
          }
          state = next;
        }
        return state;
      }),
    );
    await session.release();
    return states[0] as State;
  };
  const momentum = networkOf('MLP', sgd({ momentum: 0.9 }));
  expect(distance(await averaged(momentum, 3), await trainedAlone(momentum, 8))).toBeLessThan(1e-5);
  const ofAdam = networkOf('MLP', adam());
  expect(distance(await averaged(ofAdam, 3), await trainedAlone(ofAdam, 8))).toBeGreaterThan(1e-3);
});

test('loss, accuracy and length are those of the global batch, on each rank', async () => {
  const network = networkOf();
  const told = (ranks: number) =>
    asRanks(ranks, network, async (training, sessions, collective) => {
      const steps = [];
      for await (const element of feedsOf(collective, sessions, 8)) steps.push(await training.step(element, 0.01));
      return steps;
    });
  const [alone = []] = await told(1);
  expect(alone.map(({ globalLength }) => globalLength)).toEqual([8, 8, 8, 8, 8, 8, 2]);
  const all = await told(3);
  for (const steps of all) {
    expect(steps).toEqual(all[0]);
    for (const [i, { loss, metrics, globalLength, stop }] of steps.entries()) {
      expect(loss).toBeCloseTo(alone[i]?.loss ?? NaN, 5);
      expect(metrics['accuracy']).toBeCloseTo(alone[i]?.metrics['accuracy'] ?? NaN, 5);
      expect([globalLength, stop]).toEqual([alone[i]?.globalLength, false]);
    }
  }
});
