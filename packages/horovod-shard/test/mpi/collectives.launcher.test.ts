import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { tempFolder } from '../../../core/test/temp-folder.js';
import { good, job, MPIS } from './job.js';

const MINUTES = 60_000;

test.each(MPIS.flatMap((mpi) => [1, 2, 3, 4].map((ranks) => ({ mpi, name: mpi.name, ranks }))))(
  '$ranks ranks of $name reduce, send and gather as the plain computation does, with the same bits on each rank',
  async ({ mpi, ranks }) => {
    const lines = good(await job(mpi, ranks, ['reductions', ranks === 2 ? 'large' : 'small']));
    const [first] = lines;
    expect(first?.['cases']).toBeGreaterThan(100);
    expect(lines).toEqual(
      Array.from({ length: ranks }, (_, rank) => ({ ...first, rank, size: ranks, wrong: [] })), //
    );
  },
  10 * MINUTES,
);

test.each(MPIS)(
  'calls that nobody awaits are made in their order under $name, and none overtakes them',
  async (mpi) => {
    const line = {
      isRight: true,
      isInOrder: true,
      refused: expect.stringMatching(/^INVALID_ARGUMENT barrierSync: 60 calls of this rank are under way/),
      afterClose: expect.stringMatching(/^COLLECTIVE_FAILED barrier: this rank has left/),
    };
    expect(good(await job(mpi, 2, ['turns']))).toEqual([
      { rank: 0, ...line },
      { rank: 1, ...line },
    ]);
  },
  10 * MINUTES,
);

test.each(MPIS)(
  'a handler of SIGTERM runs while its rank waits in a collective of $name',
  async (mpi) => {
    const lines = good(await job(mpi, 2, ['signal', join(tempFolder(), 'handled')]));
    expect(lines).toEqual([
      { rank: 0, isHandled: true },
      { rank: 1, isHandled: false },
    ]);
  },
  10 * MINUTES,
);

test.each(MPIS)(
  'a call of $name that a rank has begun is done for the others while its program is busy',
  async (mpi) => {
    const lines = good(await job(mpi, 2, ['late', tempFolder()]));
    expect(lines).toEqual([
      { rank: 0, sum: [1, 2] },
      { rank: 1, sum: [1, 2] },
    ]);
  },
  10 * MINUTES,
);
