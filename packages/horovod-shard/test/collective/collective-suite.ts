import { afterEach, describe, expect, test } from '@jest/globals';
import type { Collective } from '@dataref/horovod-shard';

type Open = (size: number) => Promise<readonly Collective[]>;

const SIZES = [1, 2, 3, 5];
const LENGTHS = [0, 1, 7, 1_001, 300_001];

/** What every engine must do, with all its ranks in this process. */
export function collectiveSuite(engine: string, open: Open): void {
  describe(`a collective ${engine}`, () => {
    let ranks: readonly Collective[] = [];
    const all = async <T>(size: number, act: (each: Collective) => Promise<T>): Promise<T[]> => {
      ranks = await open(size);
      return Promise.all(ranks.map(act));
    };
    afterEach(() => Promise.all(ranks.map((each) => each.close())));

    test.each(SIZES)('of %i ranks reduces, broadcasts, gathers and meets', async (size) => {
      const results = await all(size, async (each) => ({
        sum: await each.allreduce(Float32Array.of(each.rank, 1)),
        mean: await each.allreduce(Float64Array.of(each.rank), 'mean'),
        least: await each.allreduce(Int32Array.of(-each.rank), 'min'),
        greatest: await each.allreduce(Int32Array.of(each.rank), 'max'),
        ofLast: await each.broadcast(Uint8Array.of(each.rank), size - 1),
        ofFirst: await each.broadcast(Float64Array.of(each.rank + 0.5)),
        gathered: await each.allgather(BigInt64Array.of(BigInt(each.rank), 7n)),
        met: await each.barrier(),
      }));
      const numbers = Array.from({ length: size }, (_, rank) => rank);
      const sum = numbers.reduce((a, b) => a + b, 0);
      for (const result of results)
        expect(result).toEqual({
          sum: Float32Array.of(sum, size),
          mean: Float64Array.of(sum / size),
          least: Int32Array.of(0 - (size - 1)),
          greatest: Int32Array.of(size - 1),
          ofLast: Uint8Array.of(size - 1),
          ofFirst: Float64Array.of(0.5),
          gathered: BigInt64Array.from(numbers.flatMap((rank) => [BigInt(rank), 7n])),
          met: undefined,
        });
    });

    test.each(LENGTHS)('has the same bits on all ranks for %i values of any size', async (length) => {
      const value = (rank: number, i: number) => Math.sin(1 + i + 1_000 * rank) * 10 ** ((i + rank) % 9);
      const results = await all(3, async (each) => ({
        sum: await each.allreduce(Float32Array.from({ length }, (_, i) => value(each.rank, i))),
        ofMiddle: await each.broadcast(
          Float64Array.from({ length }, (_, i) => value(each.rank, i)),
          1,
        ),
        gathered: await each.allgather(Float32Array.from({ length }, (_, i) => value(each.rank, i))),
      }));
      const sum = Float32Array.from({ length }, (_, i) =>
        [0, 1, 2].map((rank) => Math.fround(value(rank, i))).reduce((a, b) => a + b),
      );
      const ofMiddle = Float64Array.from({ length }, (_, i) => value(1, i));
      const gathered = Float32Array.from({ length: 3 * length }, (_, i) => value(Math.floor(i / length), i % length));
      for (const result of results) {
        expect(Buffer.from(result.sum.buffer).equals(Buffer.from(sum.buffer))).toBe(true);
        expect(Buffer.from(result.ofMiddle.buffer).equals(Buffer.from(ofMiddle.buffer))).toBe(true);
        expect(Buffer.from(result.gathered.buffer).equals(Buffer.from(gathered.buffer))).toBe(true);
      }
    });

    test('reduces and broadcasts a view of a part of a buffer in its place', async () => {
      const buffers = await all(2, async (each) => {
        const whole = Float32Array.of(1, 2, 3, 4, 5);
        await each.allreduce(whole.subarray(1, 4));
        const bytes = new Uint8Array(5).fill(each.rank + 1);
        await each.broadcast(bytes.subarray(1, 3), 1);
        return { whole, bytes };
      });
      expect(buffers).toEqual([
        { whole: Float32Array.of(1, 4, 6, 8, 5), bytes: Uint8Array.of(1, 2, 2, 1, 1) },
        { whole: Float32Array.of(1, 4, 6, 8, 5), bytes: Uint8Array.of(2, 2, 2, 2, 2) },
      ]);
    });

    test('serves calls in the order in which they were made, awaited or not', async () => {
      const results = await all(3, (each) =>
        Promise.all([
          each.allreduce(Int32Array.of(1)),
          each.allgather(Uint8Array.of(each.rank)),
          each.barrier(),
          each.broadcast(Int32Array.of(each.rank), 2),
        ]),
      );
      for (const result of results)
        expect(result).toEqual([Int32Array.of(3), Uint8Array.of(0, 1, 2), undefined, Int32Array.of(2)]);
    });

    test('keeps the bytes of a view of a subclass', async () => {
      const results = await all(2, async (each) => {
        const mine = Buffer.from(`rank ${each.rank}`);
        const gathered = await each.allgather(mine);
        return [gathered.toString(), (await each.broadcast(mine, 1)).toString()];
      });
      for (const result of results) expect(result).toEqual(['rank 0rank 1', 'rank 1']);
    });

    test.each([
      ['another operation', (each: Collective) => each.barrier()],
      ['another length', (each: Collective) => each.allreduce(new Float32Array(3))],
      ['another dtype', (each: Collective) => each.allreduce(new Int32Array(2))],
      ['another reduction', (each: Collective) => each.allreduce(new Float32Array(2), 'mean')],
    ])('fails on every rank where one makes %s, and says which, and so does all that comes after', async (_, other) => {
      ranks = await open(3);
      const answers = await Promise.allSettled(
        ranks.map((each): Promise<unknown> => (each.rank === 1 ? other(each) : each.allreduce(new Float32Array(2)))),
      );
      for (const answer of answers)
        expect(answer).toMatchObject({
          status: 'rejected',
          reason: {
            code: 'COLLECTIVE_FAILED',
            message: expect.stringMatching(/rank \d called .*allreduce \(sum\) of 2 Float32Array/u),
          },
        });
      for (const each of ranks) await expect(each.barrier()).rejects.toMatchObject({ code: 'COLLECTIVE_FAILED' });
    });

    test.each([0, 1, 2])('tells who waits for rank %i that it has left', async (leaver) => {
      ranks = await open(3);
      await Promise.all(ranks.map((each) => each.barrier()));
      const waiting = ranks.filter(({ rank }) => rank !== leaver).map((each) => each.allreduce(new Float32Array(2)));
      const refused = Promise.all(
        waiting.map((call) =>
          expect(call).rejects.toMatchObject({
            code: 'COLLECTIVE_FAILED',
            message: expect.stringContaining('left the job'),
          }),
        ),
      );
      await ranks[leaver]?.close();
      await refused;
      await expect(ranks[leaver]?.barrier()).rejects.toMatchObject({ code: 'COLLECTIVE_FAILED' });
    });

    test('is left in good order by ranks that are done at different times', async () => {
      ranks = await open(3);
      const done: number[] = [];
      const work = async (each: Collective) => {
        await each.allreduce(new Float32Array(100_000));
        await each.close();
        done.push(each.rank);
      };
      await Promise.all(ranks.map(work));
      expect(done).toHaveLength(3);
      await ranks[0]?.close();
    });

    test.each([
      ['values that cannot be reduced', (each: Collective) => each.allreduce(new Uint8Array(1) as never)],
      ['a reduction that there is not', (each: Collective) => each.allreduce(new Float32Array(1), 'product' as never)],
      ['a root beyond the ranks', (each: Collective) => each.broadcast(new Float32Array(1), 2)],
      [
        'memory that threads share',
        (each: Collective) => each.allgather(new Float32Array(new SharedArrayBuffer(4)) as never),
      ],
    ])('refuses %s, and goes on', async (_, call) => {
      const results = await all(2, async (each) => {
        await expect(call(each)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
        return each.allreduce(Int32Array.of(1));
      });
      expect(results).toEqual([Int32Array.of(2), Int32Array.of(2)]);
    });
  });
}
