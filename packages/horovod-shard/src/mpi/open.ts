import { DataRefError } from '@dataref/core';
import { optionsOf, refuseUnknown } from '@dataref/core/adapter';
import { failed } from '../collective/checks.js';
import { type Launch, launchOf, type World } from './launcher.js';
import { MpiLibrary } from './library.js';
import { type MpiCollective, MpiRank } from './mpi-collective.js';

export interface MpiOptions {
  /** The place in the job that this process is to have. Default: what the launcher's variables say. */
  readonly world?: World;
  /**
   * Path or name of the shared library of MPI. Default: DATAREF_MPI_LIBRARY, or that of the launcher, `libmpi.so.40` under
   * Open MPI's mpirun and `libmpich.so.12` under those that speak PMI.
   */
  readonly library?: string;
}

/**
 * Joins the job of MPI that a launcher has started this process for: `mpirun node train.js`. Without a launcher it is a
 * job of one rank. Once a process; close it at the end.
 * @returns collectives through Open MPI (4, 5) or what has the ABI of MPICH (MPICH 4, Intel MPI, MVAPICH)
 * @throws DataRefError COLLECTIVE_FAILED where no library of MPI is there, or it takes this process for another rank than
 * the launcher does; MISSING_PACKAGE without koffi; INVALID_ARGUMENT
 */
export async function openMpi(options?: MpiOptions): Promise<MpiCollective> {
  const { world, library } = checked(options);
  const launch = launchOf(process.env);
  const mpi = await MpiLibrary.load(library === undefined ? launch.libraries : [library]);
  const place = mpi.init();
  const problem = mismatch(mpi, place, launch, world);
  if (problem !== undefined) {
    mpi.run(['Finalize']);
    throw problem;
  }
  return new MpiRank(mpi, place);
}

function checked(options: MpiOptions | undefined): { readonly world?: World; readonly library: string | undefined } {
  const { world, library = process.env['DATAREF_MPI_LIBRARY'], ...rest } = optionsOf('openMpi', options);
  refuseUnknown('openMpi', rest, ['world', 'library']);
  if (library !== undefined && (typeof library !== 'string' || library === '' || library.includes('\0')))
    throw invalid(`library: expected a path or name of a shared library, got ${JSON.stringify(library)}`);
  if (world === undefined) return { library };
  const { rank, size } = Object(world) as World;
  if (!Number.isInteger(size) || !Number.isInteger(rank) || rank < 0 || rank >= size)
    throw invalid(`world: expected a rank from 0 to less than size, got rank ${String(rank)} of ${String(size)}`);
  return { world: { rank, size }, library };
}

/** What is wrong where MPI takes this process for another rank than it is to be: each would train alone, unnoticed. */
function mismatch(mpi: MpiLibrary, place: World, launch: Launch, world: World | undefined): DataRefError | undefined {
  const said = `${mpi.name} (${mpi.version}) takes this process for ${described(place)}`;
  if (launch.world !== undefined && !isSame(place, launch.world)) {
    const advice = launch.libraries.includes(mpi.name)
      ? `start the processes by the mpirun of that library, or name the library of the launcher's own MPI: openMpi({ library }) or DATAREF_MPI_LIBRARY`
      : `the library for it is ${launch.libraries.join(' or ')}: take openMpi({ library }) or DATAREF_MPI_LIBRARY away, or name that one`;
    return failed(`openMpi: ${said}, and ${launch.launcher} started ${described(launch.world)}; ${advice}`);
  }
  if (world === undefined || isSame(place, world)) return undefined;
  return invalid(
    `world: expected ${described(place)}, for which ${said}, got ${described(world)} (${launch.launcher})`,
  );
}

function isSame(a: World, b: World): boolean {
  return a.rank === b.rank && a.size === b.size;
}

function described({ rank, size }: World): string {
  return `rank ${rank} of ${size}`;
}

function invalid(what: string): DataRefError {
  return new DataRefError('INVALID_ARGUMENT', `openMpi: ${what}`);
}
