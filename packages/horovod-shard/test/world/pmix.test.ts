import { expect, test } from '@jest/globals';
import { detectWorld } from '@dataref/horovod-shard';

const STEP = { SLURM_STEP_ID: '0', SLURM_PROCID: '1', SLURM_STEP_NUM_TASKS: '2' };
const PMIX = { PMIX_RANK: '1', PMIX_NAMESPACE: 'slurm.pmix.7.0' };

test('ranks that srun starts by PMIx have their places of SLURM', () => {
  expect(detectWorld({ ...STEP, ...PMIX })).toMatchObject({ rank: 1, size: 2, launcher: 'slurm' });
});

test("Open MPI's mpirun, which speaks PMIx, is known by its own variables", () => {
  const environment = { ...STEP, ...PMIX, PMIX_RANK: '3', OMPI_COMM_WORLD_RANK: '3', OMPI_COMM_WORLD_SIZE: '4' };
  expect(detectWorld(environment)).toMatchObject({ rank: 3, size: 4, launcher: 'openmpi' });
});

test('what the user says overrules PMIx', () => {
  const environment = { ...PMIX, DATAREF_RANK: '0', DATAREF_SIZE: '2' };
  expect(detectWorld(environment)).toMatchObject({ rank: 0, size: 2, launcher: 'explicit' });
});

test.each([
  ['another rank than SLURM', { ...STEP, ...PMIX, PMIX_RANK: '0' }, /PMIX_RANK="0".*disagree: slurm says rank 1/u],
  ['no number', { ...STEP, ...PMIX, PMIX_RANK: 'one' }, /PMIX_RANK="one": expected a whole number/u],
  ['no namespace', { ...STEP, PMIX_RANK: '1' }, /PMIX_RANK="1".*PMIX_NAMESPACE is not set: set both or neither/u],
  ['no rank', { PMIX_NAMESPACE: 'a' }, /PMIX_RANK is not set: set both or neither/u],
  ['no launcher beside it', PMIX, /nobody tells how many ranks there are: set DATAREF_RANK and DATAREF_SIZE/u],
])('PMIx with %s is refused', (_, environment, message) => {
  let refusal: unknown;
  try {
    detectWorld(environment);
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });
});
