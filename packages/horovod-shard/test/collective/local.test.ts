import { expect, test } from '@jest/globals';
import { localCollectives } from '@dataref/horovod-shard';

const all = <T>(size: number, act: (rank: ReturnType<typeof localCollectives>[number]) => Promise<T>) =>
  Promise.all(localCollectives(size).map(act));

test.each([1, 2, 3, 5])('%i ranks reduce, broadcast, gather and meet', async (size) => {
  const ranks = Array.from({ length: size }, (_, rank) => rank);
  const results = await all(size, async (each) => ({
    sum: await each.allreduce(Float32Array.of(each.rank, 1)),
    mean: await each.allreduce(Float64Array.of(each.rank), 'mean'),
    least: await each.allreduce(Int32Array.of(-each.rank), 'min'),
    greatest: await each.allreduce(Int32Array.of(each.rank), 'max'),
    root: await each.broadcast(Uint8Array.of(each.rank), size - 1),
    gathered: await each.allgather(BigInt64Array.of(BigInt(each.rank), 7n)),
    met: await each.barrier(),
  }));
  const sum = ranks.reduce((a, b) => a + b, 0);
  for (const result of results)
    expect(result).toEqual({
      sum: Float32Array.of(sum, size),
      mean: Float64Array.of(sum / size),
      least: Int32Array.of(0 - (size - 1)),
      greatest: Int32Array.of(size - 1),
      root: Uint8Array.of(size - 1),
      gathered: BigInt64Array.from(ranks.flatMap((rank) => [BigInt(rank), 7n])),
      met: undefined,
    });
});

test('a view of a part of a buffer is reduced in its place', async () => {
  const buffers = await all(2, async (each) => {
    const whole = Float32Array.of(1, 2, 3, 4, 5);
    await each.allreduce(whole.subarray(1, 4));
    return whole;
  });
  for (const whole of buffers) expect(whole).toEqual(Float32Array.of(1, 4, 6, 8, 5));
});

test('other calls at the same turn fail on every rank, and so does all that comes after', async () => {
  const [a, b, c] = localCollectives(3) as never[] as ReturnType<typeof localCollectives>[number][];
  const answers = await Promise.allSettled([
    a!.allreduce(new Float32Array(2)),
    b!.allreduce(new Float32Array(3)),
    c!.barrier(),
  ]);
  for (const answer of answers)
    expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'COLLECTIVE_FAILED' } });
  await expect(a!.barrier()).rejects.toMatchObject({ code: 'COLLECTIVE_FAILED' });
});

test('who waits for a rank that leaves is told so', async () => {
  const [a, b] = localCollectives(2) as never[] as ReturnType<typeof localCollectives>[number][];
  const waiting = a!.allreduce(new Float32Array(2));
  await b!.close();
  await expect(waiting).rejects.toMatchObject({
    code: 'COLLECTIVE_FAILED',
    message: expect.stringContaining('rank 1 has left'),
  });
  await expect(b!.barrier()).rejects.toMatchObject({ code: 'COLLECTIVE_FAILED' });
});

test.each([
  ['values that cannot be reduced', () => localCollectives(1)[0]!.allreduce(new Uint8Array(1) as never)],
  ['a reduction that there is not', () => localCollectives(1)[0]!.allreduce(new Float32Array(1), 'product' as never)],
  ['a root beyond the ranks', () => localCollectives(1)[0]!.broadcast(new Float32Array(1), 1)],
  [
    'memory that threads share',
    () => localCollectives(1)[0]!.allreduce(new Float32Array(new SharedArrayBuffer(4)) as never),
  ],
  ['no rank', async () => localCollectives(0)],
])('%s is refused', async (_, call) => {
  await expect(call()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});
