import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Collective, Reducible, Reduction } from '@dataref/horovod-shard';
import { openTcp } from '@dataref/horovod-shard/tcp';
import { announceSeed, runs } from '../../../core/test/scale.js';
import { freePort } from '../../../core/test/free-port.js';
import { connectTo, destroyPeers, header, rawHost, rawPeer, take } from './raw-peer.js';

const SEED = announceSeed('tcp frames');
const SIZE = 3;
let ranks: readonly Collective[] = [];

beforeAll(async () => {
  const address = `127.0.0.1:${await freePort()}`;
  ranks = await Promise.all([0, 1, 2].map((rank) => openTcp({ world: { rank, size: SIZE }, address })));
});
afterAll(() => Promise.all(ranks.map((each) => each.close())));

const dtypes = fc.constantFrom(Float32Array, Float64Array, Int32Array);
const reductions = fc.constantFrom<Reduction>('sum', 'mean', 'min', 'max');
// Parts are of 512 KiB: lengths about its multiples, and small ones.
const lengths = fc.oneof(
  fc.nat(2_000),
  fc
    .tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: -2, max: 2 }))
    .map(([parts, off]) => parts * 131_072 + off),
);

test('any sequence of calls gives what its definition does, to the bit', async () => {
  const call = fc.record({ dtype: dtypes, reduction: reductions, length: lengths, offset: fc.nat(5), root: fc.nat(2) });
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 3 }), async (calls) => {
      const given = (rank: number, { dtype, length, offset }: (typeof calls)[number]): Reducible =>
        new dtype(length + offset)
          .map((_: number, i: number) => Math.fround(((i * 7919 + rank * 104_729) % 1_000) / 7))
          .subarray(offset);
      const answers = await Promise.all(
        ranks.map((each) =>
          Promise.all(
            calls.map(async (one) => ({
              reduced: await each.allreduce(given(each.rank, one), one.reduction),
              sent: await each.broadcast(given(each.rank, one), one.root),
              gathered: await each.allgather(given(each.rank, one).subarray(0, 100)),
            })),
          ),
        ),
      );
      for (const [i, one] of calls.entries()) {
        const parts = [0, 1, 2].map((rank) => given(rank, one));
        const reduce = {
          sum: (a: number, b: number) => a + b,
          mean: (a: number, b: number) => a + b,
          min: Math.min,
          max: Math.max,
        };
        const step = reduce[one.reduction];
        const reduced = parts[0]!.map((first: number, at: number) => {
          const value = step(step(first, parts[1]![at]!), parts[2]![at]!);
          return one.reduction === 'mean' ? value / SIZE : value;
        });
        const gathered = parts.flatMap((part) => [...part.subarray(0, 100)]);
        for (const answer of answers) {
          expect(bytes(answer[i]!.reduced).equals(bytes(reduced))).toBe(true);
          expect(bytes(answer[i]!.sent).equals(bytes(parts[one.root]!))).toBe(true);
          expect([...answer[i]!.gathered]).toEqual(gathered);
        }
      }
    }),
    { seed: SEED, numRuns: runs(50) },
  );
});

test('a rank whose bytes come in pieces of any size is heard as if they came at once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), async (cuts) => {
      const port = await freePort();
      const host = rawHost(port);
      const rank = await openTcp({ world: { rank: 1, size: 2 }, address: `127.0.0.1:${port}` });
      const socket = await host;
      const call = rank.allreduce(new Float32Array(8));
      const answer = Buffer.concat([
        ...[0, 16].flatMap((at) => [header(4, { length: 16 }), bytes(Float32Array.of(at, 1, 2, 3))]),
        header(5, { turn: 1 }),
      ]);
      socket.setNoDelay(true);
      for (let at = 0, i = 0; at < answer.byteLength; at += cuts[i++ % cuts.length]!) {
        socket.write(answer.subarray(at, at + cuts[i % cuts.length]!));
        await setImmediate();
      }
      expect(await call).toEqual(Float32Array.of(0, 1, 2, 3, 16, 1, 2, 3));
      destroyPeers();
      await rank.close();
    }),
    { seed: SEED, numRuns: runs(100) },
  );
});

test('bytes of any kind in place of a call, or of a hello, end in an error and not in a hang', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 28, maxLength: 200 }), async (noise) => {
      const port = await freePort();
      const hub = openTcp({ world: { rank: 0, size: 2 }, address: `127.0.0.1:${port}` });
      await setImmediate();
      connectTo(port).end(noise);
      const raw = await rawPeer({ port, rank: 1, size: 2 });
      const rank = await hub;
      await take(raw, 39);
      raw.write(noise);
      await expect(rank.allreduce(new Float32Array(3))).rejects.toMatchObject({ code: 'COLLECTIVE_FAILED' });
      destroyPeers();
      await rank.close();
    }),
    { seed: SEED, numRuns: runs(100) },
  );
});

function bytes({ buffer, byteOffset, byteLength }: Reducible): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}
