import { type Environment, type Place, readPlace, setting } from './environment.js';

/** What one launcher's variables say. */
export interface Found {
  readonly launcher: string;
  /** Rank and size. */
  readonly world: Place;
  /** Rank and size among the workers of this machine, where they are told. */
  readonly local: Place | undefined;
  /** The variables that say so, with their values. */
  readonly said: string;
}

export type Reader = (env: Environment) => Found | undefined;

/** Reads a launcher that tells all in four variables: rank, size, and both on this machine. */
function launcherOf(
  launcher: string,
  [rank, size, localRank, localSize]: readonly [string, string, string, string],
): Reader {
  return (env) => {
    const world = readPlace(env, rank, size);
    if (world === undefined) return undefined;
    return { launcher, world, local: readPlace(env, localRank, localSize), said: setting(env, rank, size) };
  };
}

const readOwn = launcherOf('explicit', ['DATAREF_RANK', 'DATAREF_SIZE', 'DATAREF_LOCAL_RANK', 'DATAREF_LOCAL_SIZE']);

/** What the user says, over all others; a size without a rank is the size that Kubernetes does not tell. */
export const readExplicit: Reader = (env) =>
  env['DATAREF_RANK'] === undefined && env['JOB_COMPLETION_INDEX'] !== undefined ? undefined : readOwn(env);

/** Launchers that start each worker, first those that others are run by. */
export const PROCESS_LAUNCHERS: readonly Reader[] = [
  launcherOf('horovod', ['HOROVOD_RANK', 'HOROVOD_SIZE', 'HOROVOD_LOCAL_RANK', 'HOROVOD_LOCAL_SIZE']),
  launcherOf('openmpi', [
    'OMPI_COMM_WORLD_RANK',
    'OMPI_COMM_WORLD_SIZE',
    'OMPI_COMM_WORLD_LOCAL_RANK',
    'OMPI_COMM_WORLD_LOCAL_SIZE',
  ]),
  launcherOf('torchrun', ['RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'LOCAL_WORLD_SIZE']),
  launcherOf('pmi', ['PMI_RANK', 'PMI_SIZE', 'MPI_LOCALRANKID', 'MPI_LOCALNRANKS']),
  launcherOf('mvapich', [
    'MV2_COMM_WORLD_RANK',
    'MV2_COMM_WORLD_SIZE',
    'MV2_COMM_WORLD_LOCAL_RANK',
    'MV2_COMM_WORLD_LOCAL_SIZE',
  ]),
];
