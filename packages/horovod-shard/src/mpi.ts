export { openMpi, type MpiOptions } from './mpi/open.js';
export type { MpiCollective } from './mpi/mpi-collective.js';
