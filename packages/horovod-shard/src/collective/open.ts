import { detectWorld } from '../world/world.js';
import { localCollectives } from './local.js';
import type { Collective } from './types.js';

/** Whose workers have MPI. */
const MPI_LAUNCHERS = ['openmpi', 'pmi', 'mvapich'];

/**
 * The collective of this job by what its launcher brings: none is needed for one worker; MPI under Open MPI, MPICH and their
 * kin and under `srun --mpi=pmix`, which needs the package koffi; else TCP, which under torchrun and `horovodrun --gloo`
 * needs nothing, and elsewhere DATAREF_ADDRESS, which chooses TCP under any srun. `openMpi` and `openTcp` have options.
 * @returns when all ranks have come
 * @throws DataRefError INVALID_ARGUMENT, COLLECTIVE_FAILED, MISSING_PACKAGE
 */
export async function openCollective(): Promise<Collective> {
  const world = detectWorld();
  if (world.size === 1) return localCollectives(1)[0] as Collective;
  if (isOfMpi(world.launcher, process.env)) return (await import('../mpi/open.js')).openMpi({ world });
  return (await import('../tcp/open.js')).openTcp({ world });
}

/** The variables of PMIx alone say little: it may be the default of a cluster whose users know nothing of MPI. */
function isOfMpi(launcher: string, environment: NodeJS.ProcessEnv): boolean {
  if (MPI_LAUNCHERS.includes(launcher)) return true;
  const { PMIX_RANK: rank, DATAREF_ADDRESS: address } = environment;
  return launcher === 'slurm' && rank !== undefined && address === undefined;
}
