import { expect, test } from '@jest/globals';
import { alone, good, job, MPIS } from './job.js';

const MINUTES = 60_000;

test.each(MPIS)(
  'under mpirun of $name its library is found, joined once, and left for good, and WebAssembly still traps',
  async (mpi) => {
    const lines = good(await job(mpi, 2, ['open']));
    expect(lines).toEqual(
      [0, 1].map((rank) => ({
        rank,
        size: 2,
        library: expect.stringContaining(mpi.name),
        sum: [2, 4],
        trap: 'memory access out of bounds',
        open: { code: 'COLLECTIVE_FAILED', message: expect.stringContaining('pass on the collective') },
        closed: { code: 'COLLECTIVE_FAILED', message: expect.stringContaining('MPI lets none join twice') },
      })),
    );
  },
  10 * MINUTES,
);

test.each(MPIS)('without a launcher, $name has one rank', async ({ name, library }) => {
  expect(good(await alone(['open', JSON.stringify({ library })]))).toMatchObject([
    { rank: 0, size: 1, library: expect.stringContaining(name), sum: [1, 2] },
  ]);
});

test.each(MPIS.map((mpi) => ({ ...mpi, other: MPIS.find(({ name }) => name !== mpi.name)!, mpi })))(
  'the library of $other.name under mpirun of $name is refused by each rank, which would be 0 of 1',
  async ({ mpi, other, library }) => {
    const { lines } = await job(mpi, 2, ['open'], { DATAREF_MPI_LIBRARY: other.library });
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      expect(line).toMatchObject({ rank: -1, code: 'COLLECTIVE_FAILED' });
      expect(line['message']).toMatch(`openMpi: ${other.library} (`);
      expect(line['message']).toMatch(
        /takes this process for rank 0 of 1, and its launcher \(\w+\) for rank [01] of 2;/u,
      );
      expect(line['message']).toMatch(`the library for it is ${library}`);
    }
  },
  10 * MINUTES,
);

test.each([
  ['torchrun', { RANK: '1', WORLD_SIZE: '2' }],
  ['slurm', { SLURM_STEP_ID: '0', SLURM_PROCID: '1', SLURM_STEP_NUM_TASKS: '2' }],
])('one process of those that %s started is not taken for a job of one rank', async (launcher, environment) => {
  const { lines } = await alone(['open', JSON.stringify({ library: MPIS[0].library })], environment);
  const message = expect.stringMatching(
    `rank 0 of 1, and its launcher \\(${launcher}\\) for rank 1 of 2; start the processes by`,
  );
  expect(lines).toMatchObject([{ code: 'COLLECTIVE_FAILED', message }]);
});

test('a world that is not the one of MPI is refused', async () => {
  const options = { library: MPIS[0].library, world: { rank: 1, size: 4 } };
  const { lines } = await alone(['open', JSON.stringify(options)]);
  const message = expect.stringMatching(/world: expected rank 0 of 1, .*, got rank 1 of 4 \(single\)/u);
  expect(lines).toMatchObject([{ code: 'INVALID_ARGUMENT', message }]);
});
