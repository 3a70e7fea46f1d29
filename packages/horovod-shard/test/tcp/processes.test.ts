import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, expect, test } from '@jest/globals';
import { freePort, freePorts } from '../../../core/test/free-port.js';

const PROGRAM = fileURLToPath(new URL('rank.mjs', import.meta.url));
const FAILING = fileURLToPath(new URL('failing.mjs', import.meta.url));

interface Rank {
  readonly child: ChildProcess;
  /** Done when it has said so, so many times. */
  readonly said: (text: string, times?: number) => Promise<void>;
  /** Its last line, when it has ended by itself. */
  readonly last: Promise<string>;
}

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A job of real processes. */
async function startJob(size: number, rounds: number, idle?: number): Promise<readonly Rank[]> {
  return startRanks(size, [await freePort(), rounds], idle);
}

function startRanks(
  size: number,
  [port, rounds]: readonly number[],
  idle?: number,
  { program = PROGRAM, env = {} }: { readonly program?: string; readonly env?: object } = {},
): readonly Rank[] {
  return Array.from({ length: size }, (_, rank) => {
    const words = [rank, size, port, rounds, rank === idle ? 1 : 0].map(String);
    const child = spawn(process.execPath, [program, ...words], {
      env: { ...process.env, ...env, RANK: String(rank), WORLD_SIZE: String(size) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    const said = async (text: string, times = 1) => {
      while (output.split('\n').filter((line) => line === text).length < times) await once(child.stdout, 'data');
    };
    return { child, said, last: once(child, 'close').then(() => output.trim().split('\n').at(-1) ?? '') };
  });
}

test('processes reduce, and end by themselves', async () => {
  const ranks = await startJob(3, 4);
  expect(await Promise.all(ranks.map(({ last }) => last))).toEqual(Array(3).fill('sum 30'));
  expect(ranks.map(({ child }) => child.exitCode)).toEqual([0, 0, 0]);
});

test.each([0, 1, 2])('rank %i is killed while the others wait for it: each is told, and none hangs', async (victim) => {
  const ranks = await startJob(3, 1, victim);
  await Promise.all(ranks.map(({ said }) => said('ready')));
  ranks[victim]?.child.kill('SIGKILL');
  for (const [rank, { last }] of ranks.entries())
    if (rank !== victim) expect(await last).toMatch(new RegExp(`^COLLECTIVE_FAILED: rank ${victim} is gone`, 'u'));
});

test.each([0, 2])('rank %i is killed at work: each other one is told, and none hangs', async (victim) => {
  const ranks = await startJob(3, 1e9);
  await ranks[victim]?.said('round', 3);
  ranks[victim]?.child.kill('SIGKILL');
  for (const [rank, { last }] of ranks.entries())
    if (rank !== victim) expect(await last).toMatch(new RegExp(`^COLLECTIVE_FAILED: rank ${victim} is gone`, 'u'));
});

test('a rank that fails between calls, and does not close, ends: so the calls of the others do', async () => {
  const ranks = startRanks(2, [await freePort(), 1e9], 1, { program: FAILING });
  const failed = once(ranks[1]?.child as ChildProcess, 'exit');
  expect(await ranks[0]?.last).toMatch(/^COLLECTIVE_FAILED: rank 1 is gone/u);
  expect(await failed).toEqual([1, null]);
});

test('a rank that is stopped is waited for, and goes on', async () => {
  const ranks = await startJob(3, 40);
  await ranks[1]?.said('round', 3);
  ranks[1]?.child.kill('SIGSTOP');
  await ranks[0]?.said('round', 3);
  ranks[1]?.child.kill('SIGCONT');
  const sum = Array.from({ length: 40 }, (_, round) => 3 + 3 * round).reduce((a, b) => a + b);
  expect(await Promise.all(ranks.map(({ last }) => last))).toEqual(Array(3).fill(`sum ${sum}`));
});

test('under the variables of torchrun, whose own store holds MASTER_PORT, ranks meet at the port after it', async () => {
  const [port] = await freePorts(2);
  const store = createServer().listen({ host: '127.0.0.1', port });
  await once(store, 'listening');
  const ranks = startRanks(2, [0, 3], undefined, {
    env: { MASTER_ADDR: '127.0.0.1', MASTER_PORT: String(port) },
  });
  expect(await Promise.all(ranks.map(({ last }) => last))).toEqual(['sum 9', 'sum 9']);
  store.close();
});

test('under the variables of a launcher that tells no address, each rank says what to set', async () => {
  const { MASTER_ADDR: _, MASTER_PORT: __, ...env } = process.env;
  const run = promisify(execFile)(process.execPath, [PROGRAM, '0', '2', '0', '1'], {
    env: { ...env, RANK: '0', WORLD_SIZE: '2' },
  });
  await expect(run).rejects.toMatchObject({ stderr: expect.stringContaining('set DATAREF_ADDRESS to host:port') });
});
