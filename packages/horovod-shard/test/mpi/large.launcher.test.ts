import { expect, test } from '@jest/globals';
import { good, job, MPIS } from './job.js';

test.each(MPIS.flatMap((mpi) => [3, 4].map((ranks) => ({ mpi, name: mpi.name, ranks }))))(
  '$ranks ranks of $name reduce, send and gather more than 25 MB, of odd lengths, to the bit',
  async ({ mpi, ranks }) => {
    expect(good(await job(mpi, ranks, ['large']))).toEqual(
      Array.from({ length: ranks }, (_, rank) => ({ rank, size: ranks, wrong: [] })),
    );
  },
  600_000,
);
