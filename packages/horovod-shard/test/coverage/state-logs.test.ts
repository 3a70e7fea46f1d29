import { expect, test } from '@jest/globals';
import { fromColumns, type StreamState } from '@dataref/core';
import { proveCoverage, stateLogs, type Segment } from '@dataref/horovod-shard';
import { failure } from '../../../core/test/expect-error.js';

const LENGTH = 20;
const expected = { length: LENGTH, epochs: 2 };
const data = fromColumns({ x: Int32Array.from({ length: LENGTH }, (_, i) => i) });

/** The states after each of some batches of a world. */
async function statesOf(numShards: number, from: StreamState | undefined, count = Infinity): Promise<StreamState[]> {
  const options = { shuffle: true, shuffleSeed: 3, shardRank: numShards - 1, numShards };
  const stream = data
    .stream(options)
    .globalBatch(3)
    .map(({ columns }) => columns)
    .resume(from);
  const states: StreamState[] = [];
  while (states.length < count && stream.epoch < 2)
    for await (const { state } of stream) if (states.push(state) === count) break;
  return states;
}

async function segmentsOf(): Promise<Segment[]> {
  const first = await statesOf(3, undefined, 4);
  // It went on from its second checkpoint.
  const second = await statesOf(2, first[1], 8);
  const third = await statesOf(4, second[7]);
  return [
    { from: undefined, to: first[1] as StreamState },
    { from: first[1], to: second[7] as StreamState },
    { from: second[7], to: third.at(-1) as StreamState },
  ];
}

test('states of committed steps prove that each run went on where the last one had stopped', async () => {
  const segments = await segmentsOf();
  expect(await proveCoverage(stateLogs(segments), expected)).toMatchObject({ runs: 3, voidSteps: 0 });
});

test('a run that went on from another checkpoint is found, with the first position', async () => {
  const [first, second, third] = (await segmentsOf()) as [Segment, Segment, Segment];
  const other = (await statesOf(1, undefined, 3)) as [StreamState, StreamState, StreamState];
  const lost = stateLogs([first, { ...second, from: other[2] }, third]);
  await expect(proveCoverage(lost, expected)).rejects.toEqual(
    failure('NOT_COVERED', /epoch 0: record 6 was seen never/u),
  );
  const repeated = stateLogs([first, { ...second, from: other[0] }, third]);
  await expect(proveCoverage(repeated, expected)).rejects.toEqual(
    failure('NOT_COVERED', /epoch 0: record 3 was seen 2 times: run 1.*run 2/u),
  );
});

test('states that prove nothing are refused', async () => {
  const [first] = (await segmentsOf()) as [Segment];
  const one = await statesOf(1, undefined, 5);
  expect(() => stateLogs([{ from: one[4], to: one[0] as StreamState }])).toThrow(
    failure('INVALID_ARGUMENT', /backwards/u),
  );
  expect(() => stateLogs([first, { from: undefined, to: {} as StreamState }])).toThrow(failure('STATE_INVALID', /./u));
  const taken = data.stream().take(5);
  expect(() => stateLogs([{ from: undefined, to: taken.state }])).toThrow(failure('UNSUPPORTED', /after take/u));
  const short = fromColumns({ x: Int32Array.of(1) }).stream();
  expect(() => stateLogs([first, { from: undefined, to: short.state }])).toThrow(
    failure('INVALID_ARGUMENT', /differ in dataset.length, 1 and 20/u),
  );
  const otherwise = data.stream({ shuffle: true, shuffleSeed: 99 }).globalBatch(3);
  expect(() => stateLogs([first, { from: undefined, to: otherwise.state }])).toThrow(
    failure('INVALID_ARGUMENT', /differ in order/u),
  );
});
