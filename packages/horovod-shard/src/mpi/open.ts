import { DataRefError } from '@dataref/core';
import { optionsOf, refuseUnknown } from '@dataref/core/adapter';
import { failed } from '../collective/checks.js';
import { detectWorld, type World } from '../world/world.js';
import { call } from './functions.js';
import { librariesFor } from './launcher.js';
import { MpiLibrary } from './library.js';
import { type MpiCollective, MpiRank } from './mpi-collective.js';

/** A process's place in its job: `rank` from 0. */
type Place = Pick<World, 'rank' | 'size'>;

export interface MpiOptions {
  /** The place in the job that this process is to have. Default: what the launcher's variables say. */
  readonly world?: Place;
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
  const launched = detectWorld();
  const libraries = librariesFor(process.env);
  const mpi = await MpiLibrary.load(library === undefined ? libraries : [library]);
  const place = mpi.init();
  const problem = mismatch(mpi, place, { launched, libraries, world });
  if (problem !== undefined) {
    mpi.run(call('Finalize'));
    throw problem;
  }
  return new MpiRank(mpi, place);
}

function checked(options: MpiOptions | undefined): { readonly world?: Place; readonly library: string | undefined } {
  const { world, library = process.env['DATAREF_MPI_LIBRARY'], ...rest } = optionsOf('openMpi', options);
  refuseUnknown('openMpi', rest, ['world', 'library']);
  if (library !== undefined && (typeof library !== 'string' || library === '' || library.includes('\0')))
    throw invalid(`library: expected a path or name of a shared library, got ${JSON.stringify(library)}`);
  if (world === undefined) return { library };
  const { rank, size } = Object(world) as Place;
  if (!Number.isInteger(size) || !Number.isInteger(rank) || rank < 0 || rank >= size)
    throw invalid(`world: expected a rank from 0 to less than size, got rank ${String(rank)} of ${String(size)}`);
  return { world: { rank, size }, library };
}

/** What is wrong where MPI takes this process for another rank than it is to be: each would train alone, unnoticed. */
function mismatch(
  mpi: MpiLibrary,
  place: Place,
  expected: { readonly launched: World; readonly libraries: readonly string[]; readonly world: Place | undefined },
): DataRefError | undefined {
  const { launched, libraries, world } = expected;
  const said = `${mpi.name} (${mpi.version}) takes this process for ${described(place)}`;
  const { launcher } = launched;
  if (!isSame(place, launched)) {
    const advice = libraries.includes(mpi.name)
      ? `start the processes by the mpirun of that library, or name the library of the launcher's own MPI: openMpi({ library }) or DATAREF_MPI_LIBRARY`
      : `the library for it is ${libraries.join(' or ')}: take openMpi({ library }) or DATAREF_MPI_LIBRARY away, or name that one`;
    return failed(`openMpi: ${said}, and its launcher (${launcher}) for ${described(launched)}; ${advice}`);
  }
  if (world === undefined || isSame(place, world)) return undefined;
  return invalid(`world: expected ${described(place)}, for which ${said}, got ${described(world)} (${launcher})`);
}

function isSame(a: Place, b: Place): boolean {
  return a.rank === b.rank && a.size === b.size;
}

function described({ rank, size }: Place): string {
  return `rank ${rank} of ${size}`;
}

function invalid(what: string): DataRefError {
  return new DataRefError('INVALID_ARGUMENT', `openMpi: ${what}`);
}
