import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { proveCoverage, readCoverageLogs } from '@dataref/horovod-shard';
import { tempFolder } from '../../../core/test/temp-folder.js';
import { freePort } from '../../../core/test/free-port.js';

const PROGRAM = fileURLToPath(new URL('training-rank.mjs', import.meta.url));
const STEPS = 26;

interface Ended {
  readonly code: number | null;
  /** The last line that it said. */
  readonly said: string;
}

/**
 * A job of real processes over TCP.
 * @param limit a line of the shell before rank 1, which limits it
 * @returns how each rank ended
 */
async function runJob(size: number, args: readonly string[], limit = ':', nodeOptions = ''): Promise<Ended[]> {
  const shared = { DATAREF_SIZE: String(size), DATAREF_ADDRESS: `127.0.0.1:${await freePort()}` };
  const ranks = Array.from({ length: size }, (_, rank) => {
    const isLimited = rank === 1;
    const script = `ulimit -c 0; ${isLimited ? limit : ':'}; exec "$0" "$@"`;
    const options = {
      ...process.env,
      ...shared,
      DATAREF_RANK: String(rank),
      NODE_OPTIONS: isLimited ? nodeOptions : '',
    };
    return ended(['-c', script, process.execPath, PROGRAM, ...args], options);
  });
  return Promise.all(ranks);
}

function ended(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const child = spawn('bash', args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, said: output.trim().split('\n').at(-1) ?? '' }));
  });
}

/** The job goes on by other ranks, from the last checkpoint to its end, and each record was seen once an epoch. */
async function expectGoingOn(folder: string): Promise<void> {
  expect(await runJob(2, [folder])).toEqual(Array(2).fill({ code: 0, said: `trained ${STEPS} steps` }));
  const proven = await proveCoverage(await readCoverageLogs(join(folder, 'coverage')), { length: 400, epochs: 2 });
  expect(proven).toMatchObject({ runs: 2, steps: STEPS });
}

const told = { code: 1, said: expect.stringMatching(/^COLLECTIVE_FAILED: rank 1 is gone/u) as unknown };

test('a rank whose disk is full cannot log what it is given: it says so, the others end, and the job goes on elsewhere', async () => {
  const folder = tempFolder();
  const [first, full, third] = await runJob(3, [folder], 'ulimit -f 1');
  expect(full).toEqual({ code: 1, said: expect.stringMatching(/^DISK_FULL: coverage log .*run-1\.rank-1\.jsonl/u) });
  const left = { code: 1, said: expect.stringMatching(/^COLLECTIVE_FAILED: rank 1 has left the job/u) };
  expect([first, third]).toEqual([left, left]);
  await expectGoingOn(folder);
}, 240_000);

test('a rank that is out of memory in a step ends the others with an error, and the job goes on', async () => {
  const folder = tempFolder();
  const [first, lost, third] = await runJob(3, [folder, 'memory'], ':', '--max-old-space-size=120');
  expect(lost?.said).toBe('');
  expect(lost?.code).not.toBe(0);
  expect([first, third]).toEqual([told, told]);
  await expectGoingOn(folder);
}, 240_000);
