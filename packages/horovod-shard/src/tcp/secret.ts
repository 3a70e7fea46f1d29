import { createHmac } from 'node:crypto';
import { DataRefError } from '@dataref/core';

type Environment = Readonly<Record<string, string | undefined>>;

/** DATAREF_SECRET; without one, the empty secret, which everybody knows. @throws DataRefError INVALID_ARGUMENT */
export function secretFrom({ DATAREF_SECRET: secret }: Environment): string {
  if (secret === '')
    throw new DataRefError(
      'INVALID_ARGUMENT',
      'DATAREF_SECRET: expected the secret of the job, got an empty one: set it, or unset it where only the job can reach ' +
        'the port',
    );
  return secret ?? '';
}

/**
 * What the ranks of one job prove that they know: the secret, and the name by which the environment tells the job from
 * others: DATAREF_JOB, TORCHELASTIC_RUN_ID or SLURM_JOB_ID. An empty DATAREF_JOB is no name.
 */
export function keyOf(secret: string, env: Environment): string {
  const job = env['DATAREF_JOB'] ?? env['TORCHELASTIC_RUN_ID'] ?? env['SLURM_JOB_ID'] ?? '';
  return job === '' ? secret : createHmac('sha256', secret).update(job).digest('hex');
}
