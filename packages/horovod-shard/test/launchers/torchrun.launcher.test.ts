import { expect, jest, test } from '@jest/globals';
import { expectWholeWorld, newJob, run, type Ended } from './jobs.js';
import { expectOneModel } from './training.js';

// Loading PyTorch takes seconds, and many on a busy machine.
jest.setTimeout(600_000);

// torchrun 1.13 on Python 3.11 loses its default for outputs that are not redirected; naming a worker that is not there
// (the tenth) says it for all others.
const OUTPUTS = ['--redirects', '9:1', '--tee', '9:1'];

const start =
  (size: number) =>
  (...command: readonly string[]): Promise<Ended> => {
    const workers = ['--standalone', '--nnodes', '1', '--nproc_per_node', `${size}`, '--no_python'];
    return run('torchrun', [...OUTPUTS, ...workers, ...command]);
  };

test.each([1, 2, 3, 4])('torchrun: %i ranks share a dataset', async (size) => {
  const job = await newJob();
  expect(await start(size)(...job.command)).toMatchObject({ code: 0 });
  expectWholeWorld(job, size, 'torchrun');
});

test('torchrun: 3 ranks train the model of one process, over TCP beside its own store', async () => {
  await expectOneModel({ size: 3, launcher: 'torchrun', engine: 'tcp' }, start(3));
});
