import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import type { Collective } from '@dataref/horovod-shard';
import { openTcp } from '@dataref/horovod-shard/tcp';
import { freePort } from '../../../core/test/free-port.js';
import { connectTo, destroyPeers, header, rawHost, rawPeer, retry, take } from './raw-peer.js';

const failure = (message: string) => ({ code: 'COLLECTIVE_FAILED', message: expect.stringContaining(message) });
const opened: Collective[] = [];
afterEach(async () => {
  destroyPeers();
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

async function open(rank: number, size: number, port: number, rest: object = {}): Promise<Collective> {
  const collective = await openTcp({ world: { rank, size }, address: `127.0.0.1:${port}`, ...rest });
  opened.push(collective);
  return collective;
}

/** The answer of rank 0 to who may not come in. */
async function refusalOf(socket: Awaited<ReturnType<typeof rawPeer>>): Promise<string> {
  const answer = await take(socket, 39);
  return (await take(socket, answer.readUInt16LE(5))).toString();
}

/** Connects when rank 0 listens, and sends `bytes`. */
async function stray(port: number, bytes: string | Buffer): Promise<void> {
  for (;;) {
    const socket = connectTo(port);
    await Promise.race([once(socket, 'connect').catch(() => undefined), once(socket, 'close')]);
    if (socket.readyState === 'open') {
      socket.end(bytes);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test.each([
  ['nothing', ''],
  ['an HTTP request', 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'],
  ['garbage', Buffer.alloc(100_000, 0xa5)],
  ['half a hello', 'DRH1\0\0\0'],
])('connections that bring %s do not end a job that is gathering', async (_, bytes) => {
  const port = await freePort();
  const first = open(0, 2, port);
  for (let i = 0; i < 5; i++) await stray(port, bytes);
  const ranks = await Promise.all([first, open(1, 2, port)]);
  expect(await Promise.all(ranks.map((each) => each.allreduce(Int32Array.of(1))))).toEqual([
    Int32Array.of(2),
    Int32Array.of(2),
  ]);
});

test('connections that stay and say nothing do not hold up a job', async () => {
  const port = await freePort();
  const first = open(0, 2, port);
  await Promise.all(Array.from({ length: 20 }, () => retry(() => silentPeer(port))));
  const ranks = await Promise.all([first, open(1, 2, port)]);
  await Promise.all(ranks.map((each) => each.barrier()));
});

test('strangers that come again and again, more than are let in at once, do not keep a rank out', async () => {
  const port = await freePort();
  const first = open(0, 2, port);
  const over = new AbortController();
  const dial = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const socket = connectTo(port);
      await Promise.race([once(socket, 'close'), once(socket, 'error')]).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  await retry(() => silentPeer(port));
  const strangers = Array.from({ length: 80 }, dial);
  const ranks = await Promise.all([first, open(1, 2, port)]);
  over.abort();
  destroyPeers();
  await Promise.all(ranks.map((each) => each.barrier()));
  await Promise.all(strangers);
});

test('a stranger that says something else and stays is dropped at once', async () => {
  const port = await freePort();
  const first = open(0, 2, port);
  const socket = await retry(() => silentPeer(port));
  socket.write('else');
  await once(socket.resume(), 'close');
  await Promise.all([first, open(1, 2, port)]);
});

test('what has the port before rank 0, and is silent, is given up: the ranks meet', async () => {
  const port = await freePort();
  const silent = createServer().listen({ host: '127.0.0.1', port });
  const second = open(1, 2, port);
  const [socket] = (await once(silent, 'connection')) as [Socket];
  silent.close();
  await Promise.all([open(0, 2, port), second]);
  socket.destroy();
});

test('jobs of one secret and several names do not mix', async () => {
  const port = await freePort();
  process.env['DATAREF_JOB'] = 'first';
  const host = open(0, 2, port);
  process.env['DATAREF_JOB'] = 'second';
  await expect(open(1, 2, port, { timeoutMs: 1_000 })).rejects.toMatchObject(failure('name of its job'));
  process.env['DATAREF_JOB'] = 'first';
  await Promise.all([host, open(1, 2, port)]);
  delete process.env['DATAREF_JOB'];
});

test.each([0, 1])("a rendezvous of Horovod's that does not answer rank %i is given up in time", async (rank) => {
  const silent = createServer().listen({ host: '127.0.0.1', port: 0 });
  await once(silent, 'listening');
  process.env['HOROVOD_GLOO_RENDEZVOUS_ADDR'] = '127.0.0.1';
  process.env['HOROVOD_GLOO_RENDEZVOUS_PORT'] = String((silent.address() as { readonly port: number }).port);
  const opening = openTcp({ world: { rank, size: 2 }, timeoutMs: 300 });
  delete process.env['HOROVOD_GLOO_RENDEZVOUS_ADDR'];
  await expect(opening).rejects.toMatchObject(failure('within 0.3 s'));
  silent.close();
});

test('a secret that is set and empty is refused', async () => {
  process.env['DATAREF_SECRET'] = '';
  const opening = openTcp({ world: { rank: 0, size: 2 }, address: 'localhost:1' });
  delete process.env['DATAREF_SECRET'];
  await expect(opening).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('a peer that has called, and dies while another is slow, is missed at once', async () => {
  const { raw, ranks } = await join(3);
  const call = ranks[0]?.barrier(); // rank 2 does not call
  raw.end(header(3, {}));
  await expect(call).rejects.toMatchObject(failure('rank 1 is gone'));
});

test('ranks of one secret meet, and one of another is refused, without a word of either', async () => {
  const port = await freePort();
  const host = open(0, 2, port, { secret: 'correct horse' });
  const refused: unknown = await open(1, 2, port, { secret: 'hunter2', timeoutMs: 1_000 }).catch(
    (error: unknown) => error,
  );
  expect(refused).toMatchObject(failure('secret (DATAREF_SECRET) or the name of its job is another'));
  expect(String(refused)).not.toMatch(/hunter2|horse/u);
  const ranks = await Promise.all([host, open(1, 2, port, { secret: 'correct horse' })]);
  await Promise.all(ranks.map((each) => each.barrier()));
});

test('a rank refuses a host that does not know the secret', async () => {
  const port = await freePort();
  const host = rawHost(port);
  await expect(open(1, 2, port, { secret: 'correct horse', timeoutMs: 500 })).rejects.toMatchObject(
    failure('does not know the secret'),
  );
  await host;
});

test.each([
  ['a second peer of one rank', { rank: 1, size: 3 }, 'rank 1 is there already'],
  ['a rank beyond the world', { rank: 3, size: 3 }, 'ranks here are from 1 to 2'],
  ['a rank of another world', { rank: 1, size: 4 }, 'its world has 4 ranks, that of rank 0 has 3'],
])('%s is refused, and the job goes on', async (_, hello, reason) => {
  const port = await freePort();
  const ranks = [open(0, 3, port), open(1, 3, port)];
  const seated = retry(async () => {
    const socket = await rawPeer({ port, ...hello });
    expect(await refusalOf(socket)).toContain(reason);
  });
  await seated;
  const world = await Promise.all([...ranks, open(2, 3, port)]);
  expect(await Promise.all(world.map((each) => each.allreduce(Int32Array.of(1))))).toContainEqual(Int32Array.of(3));
});

test('who does not come is named, on all ranks', async () => {
  const port = await freePort();
  const answers = await Promise.allSettled([
    open(0, 4, port, { timeoutMs: 1_000 }),
    open(2, 4, port, { timeoutMs: 30_000 }),
  ]);
  for (const answer of answers)
    expect(answer).toMatchObject({ status: 'rejected', reason: failure('ranks 1, 3 of 4 did not come') });
});

test('a rank that finds no rank 0 says where it looked', async () => {
  const port = await freePort();
  await expect(open(1, 2, port, { timeoutMs: 300 })).rejects.toMatchObject(failure(`127.0.0.1:${port}`));
});

test('an abort ends the opening with its reason, on any rank', async () => {
  const reason = new Error('enough');
  const port = await freePort();
  const controller = new AbortController();
  const answers = [0, 1].map((rank) => open(rank, 3, port, { signal: controller.signal }));
  controller.abort(reason);
  for (const answer of answers) await expect(answer).rejects.toBe(reason);
});

test('a port that is taken is an error of rank 0', async () => {
  const port = await freePort();
  const first = Promise.all([open(0, 2, port), open(1, 2, port)]);
  await Promise.resolve();
  await expect(open(0, 2, port)).rejects.toMatchObject(failure('EADDRINUSE'));
  await first;
});

const join = async (size: number) => {
  const port = await freePort();
  const hub = open(0, size, port);
  const raw = await retry(() => rawPeer({ port, rank: 1, size }));
  const rest = Array.from({ length: size - 2 }, (_, i) => open(i + 2, size, port));
  const ranks = await Promise.all([hub, ...rest]);
  await take(raw, 39);
  return { raw, ranks };
};

test.each([
  [
    'a length beyond all memory',
    header(0, { length: 2 ** 50 }),
    `rank 1 called allreduce (sum) of ${2 ** 50} Float32Array`,
  ],
  [
    'the turn of another call',
    header(0, { length: 4, turn: 7 }),
    'rank 1 called allreduce (sum) of 4 Float32Array (its call 7)',
  ],
  ['garbage', Buffer.alloc(28, 0xa5), 'something else than the frames'],
  ['an operation that there is not', header(200, { length: 4 }), 'something else than the frames'],
])('a peer that sends %s fails the call on all other ranks', async (_, bytes, message) => {
  const { raw, ranks } = await join(3);
  const calls = ranks.map((each) => each.allreduce(new Float32Array(4)));
  raw.write(bytes);
  for (const call of calls) await expect(call).rejects.toMatchObject(failure(message));
});

test('a peer that dies in the middle of what it sends fails the call on all other ranks', async () => {
  const { raw, ranks } = await join(3);
  const calls = ranks.map((each) => each.allreduce(new Float32Array(1_000_000)));
  const [call, rest] = [header(0, { length: 1_000_000 }), header(4, { length: 4_000_000 - 2 ** 19 })];
  raw.end(Buffer.concat([call, Buffer.alloc(2 ** 19), rest, Buffer.alloc(2_500_000)]));
  for (const made of calls) await expect(made).rejects.toMatchObject(failure('rank 1 is gone'));
});

test.each([
  ['more than was asked for', header(4, { length: 2 ** 40 })],
  ['the answer to another call', header(4, { length: 16, turn: 3 })],
  ['a call', header(0, { length: 4 })],
  ['a message without end', header(6, { length: 2 ** 40 })],
])('a rank 0 that answers with %s fails the call', async (_, bytes) => {
  const port = await freePort();
  const host = rawHost(port);
  const rank = await open(1, 2, port);
  const socket = await host;
  const call = rank.allreduce(new Float32Array(4));
  socket.end(Buffer.concat([bytes, Buffer.alloc(4_096)]));
  await expect(call).rejects.toMatchObject({ code: 'COLLECTIVE_FAILED' });
});

test.each([
  ['no address', { world: { rank: 0, size: 2 } }, 'DATAREF_ADDRESS'],
  ['an address without a port', { world: { rank: 0, size: 2 }, address: 'localhost' }, 'host:port'],
  ['a port that there is not', { world: { rank: 0, size: 2 }, address: 'localhost:70000' }, '65535'],
  ['a rank beyond the size', { world: { rank: 2, size: 2 }, address: 'localhost:1' }, 'rank 2 of 2'],
  ['no time', { world: { rank: 0, size: 2 }, address: 'localhost:1', timeoutMs: 0 }, 'timeoutMs'],
  [
    'more time than timers have',
    { world: { rank: 0, size: 2 }, address: 'localhost:1', timeoutMs: 2 ** 31 },
    'timeoutMs',
  ],
])('%s is refused', async (_, options, message) => {
  await expect(openTcp(options)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining(message),
  });
});

/** Has read the challenge, and leaves it at that. */
async function silentPeer(port: number): Promise<Socket> {
  const socket = connectTo(port);
  await take(socket, 36);
  return socket;
}
