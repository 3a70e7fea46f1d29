/** A process's place in its job. */
export interface World {
  /** From 0. */
  readonly rank: number;
  readonly size: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

interface Launcher {
  readonly name: string;
  readonly rank: string;
  readonly size: string;
  /** What has to be set too: others leave the first two lying about. */
  readonly mark?: string;
  /** What it starts ranks for, by the name that the loader of shared libraries knows. */
  readonly libraries: readonly string[];
}

const OPEN_MPI = ['libmpi.so.40'];
/** The second name is that of what keeps to MPICH's ABI: Intel MPI, MVAPICH, Cray MPICH. */
const MPICH = ['libmpich.so.12', 'libmpi.so.12'];
const ANY = [...OPEN_MPI, ...MPICH];

/** Those that start ranks of MPI are first: they say what holds for the process itself, and not for what is around it. */
const LAUNCHERS: readonly Launcher[] = [
  { name: "Open MPI's mpirun", rank: 'OMPI_COMM_WORLD_RANK', size: 'OMPI_COMM_WORLD_SIZE', libraries: OPEN_MPI },
  { name: 'a launcher that speaks PMI, as that of MPICH', rank: 'PMI_RANK', size: 'PMI_SIZE', libraries: MPICH },
  { name: 'horovodrun', rank: 'HOROVOD_RANK', size: 'HOROVOD_SIZE', libraries: ANY },
  { name: 'torchrun', rank: 'RANK', size: 'WORLD_SIZE', libraries: ANY },
  { name: 'srun', rank: 'SLURM_PROCID', size: 'SLURM_STEP_NUM_TASKS', mark: 'SLURM_STEP_ID', libraries: ANY },
];

/** What a process's environment says of the job that it is part of. */
export interface Launch {
  /** For messages. */
  readonly launcher: string;
  /** Undefined where no launcher has started the process. */
  readonly world: World | undefined;
  /** Names of libraries to try, the first that is there. */
  readonly libraries: readonly string[];
}

export function launchOf(environment: Environment): Launch {
  for (const { name, rank, size, mark, libraries } of LAUNCHERS) {
    if (mark !== undefined && environment[mark] === undefined) continue;
    const world = { rank: numberOf(environment[rank]), size: numberOf(environment[size]) };
    if (world.rank >= 0 && world.size > 0)
      return { launcher: `${name} (${rank}=${world.rank}, ${size}=${world.size})`, world, libraries };
  }
  return { launcher: 'no launcher', world: undefined, libraries: ANY };
}

function numberOf(text: string | undefined): number {
  return text !== undefined && /^\d+$/u.test(text) ? Number(text) : -1;
}
