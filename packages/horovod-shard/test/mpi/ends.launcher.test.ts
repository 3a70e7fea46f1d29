import { expect, test } from '@jest/globals';
import { job, MPIS } from './job.js';

const MINUTES = 60_000;
const under = (ways: readonly string[]) => MPIS.flatMap((mpi) => ways.map((way) => ({ mpi, name: mpi.name, way })));

test.each(
  under([
    'is killed',
    'is killed while the others work',
    'throws',
    'throws within a call',
    'exits within a call, with 0',
    'exits within a call, with 7',
  ]),
)(
  'a rank that $way ends the whole job of $name, as a failed one',
  async ({ mpi, way }) => {
    const { code, output } = await job(mpi, 3, ['ends', way]);
    expect(code).not.toBe(0);
    if (way.endsWith('7')) expect(code).toBe(7);
    if (way.endsWith('with 0'))
      expect(output).toContain('openMpi: rank 1 ended within a call, and so the job is ended');
    if (way.startsWith('throws')) expect(output).toContain('a bug of the user');
  },
  10 * MINUTES,
);

test.each(MPIS)(
  'ranks of $name that all forget to close end well',
  async (mpi) => {
    expect(await job(mpi, 3, ['ends', 'all forget to close'])).toMatchObject({ code: 0 });
  },
  10 * MINUTES,
);

test.each(under(['leaves early', 'forgets to close, early']))(
  'the others are told when a rank of $name $way, and the job ends',
  async ({ mpi, way }) => {
    const { code, lines } = await job(mpi, 3, ['ends', way]);
    const told = {
      code: 'COLLECTIVE_FAILED',
      message: 'the ranks made different calls: allreduce (sum) of 1000 Float32Array (ranks 0, 2), close (rank 1)',
    };
    expect({ code, lines }).toEqual({
      code: 0,
      lines: [
        { rank: 0, ...told },
        { rank: 2, ...told },
      ],
    });
  },
  10 * MINUTES,
);

test.each([
  ...under(['has fewer values']).map((row) => ({
    ...row,
    calls: 'allreduce (sum) of 1000 Float32Array (ranks 0, 2), allreduce (sum) of 999 Float32Array (rank 1)',
    times: 1,
  })),
  ...under(['makes another call']).map((row) => ({
    ...row,
    calls: 'allgather of 1000 Float32Array (ranks 0, 2), barrier (rank 1)',
    times: 2,
  })),
])(
  'every rank is told when one of $name $way, then and ever after',
  async ({ mpi, way, calls, times }) => {
    const { lines } = await job(mpi, 3, ['ends', way]);
    const told = { code: 'COLLECTIVE_FAILED', message: `the ranks made different calls: ${calls}` };
    expect(lines).toEqual([0, 1, 2].flatMap((rank) => Array.from({ length: times }, () => ({ rank, ...told }))));
  },
  10 * MINUTES,
);

test.each(MPIS)(
  'an error of $name itself is told in its own words, and ends no process',
  async (mpi) => {
    const { code, lines } = await job(mpi, 1, ['error', mpi.library]);
    const told = { code: 'COLLECTIVE_FAILED', message: expect.stringMatching(/^MPI_Bcast: .*count/iu) };
    expect({ code, lines }).toEqual({ code: 0, lines: [{ rank: 0, here: told, apart: told }] });
  },
  10 * MINUTES,
);
