import { afterEach, expect, test } from '@jest/globals';
import type { Collective } from '@dataref/horovod-shard';
import { openTcp } from '@dataref/horovod-shard/tcp';
import { freePort } from '../../../core/test/free-port.js';
import { destroyPeers, header, rawPeer, retry, take } from './raw-peer.js';

/** Of a call's values a rank sends so much before it has an answer. */
const PART_BYTES = 2 ** 19;
const LENGTH = 2 ** 20;
const ALLREDUCE = header(0, { length: LENGTH });
const BROADCAST = header(1, { length: 4 * LENGTH });
BROADCAST.writeUInt32LE(2, 24);

const opened: Collective[] = [];
afterEach(async () => {
  destroyPeers();
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

test.each([
  ['an allreduce', ALLREDUCE, (each: Collective) => each.allreduce(new Float32Array(LENGTH))],
  ['a broadcast of its own', BROADCAST, (each: Collective) => each.broadcast(new Uint8Array(4 * LENGTH), 2)],
])('a rank that dies in %s of 4 MB ends it for all, though one has not called yet', async (_, frame, call) => {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const ranks = [0, 1].map((rank) => openTcp({ world: { rank, size: 3 }, address }));
  const dying = await retry(() => rawPeer({ port, rank: 2, size: 3 }));
  opened.push(...(await Promise.all(ranks)));
  const [first, idle] = opened as [Collective, Collective];
  await take(dying, 39); // it is let in
  const reduced = call(first);
  dying.end(Buffer.concat([frame, Buffer.alloc(PART_BYTES)]));
  await expect(reduced).rejects.toMatchObject({
    code: 'COLLECTIVE_FAILED',
    message: expect.stringMatching(/^rank 2 is gone/u),
  });
  await expect(idle.barrier()).rejects.toMatchObject({ code: 'COLLECTIVE_FAILED' });
});
