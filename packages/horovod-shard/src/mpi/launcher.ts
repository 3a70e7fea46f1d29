const OPEN_MPI = ['libmpi.so.40'];
/** The second name is that of what keeps to MPICH's ABI: Intel MPI, MVAPICH, Cray MPICH. */
const MPICH = ['libmpich.so.12', 'libmpi.so.12'];

/** Names of libraries to try, by the launcher that has started this process: the first that is there. */
export function librariesFor(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  if (environment['OMPI_COMM_WORLD_SIZE'] !== undefined) return OPEN_MPI;
  const isMpich = ['PMI_SIZE', 'MV2_COMM_WORLD_SIZE'].some((name) => environment[name] !== undefined);
  return isMpich ? MPICH : [...OPEN_MPI, ...MPICH];
}
