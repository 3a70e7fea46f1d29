import type { LibraryHandle } from 'koffi';
import type { Koffi } from './koffi.js';

/** What C knows by names, as its functions take them. */
export interface Handles {
  readonly world: unknown;
  readonly float: unknown;
  readonly double: unknown;
  readonly int: unknown;
  readonly int64: unknown;
  readonly byte: unknown;
  readonly sum: unknown;
  readonly min: unknown;
  readonly max: unknown;
  readonly errorsReturn: unknown;
  /** In the place of what is sent: it lies where the result is to be. */
  readonly inPlace: unknown;
  /** In the place of a status that nobody reads. */
  readonly statusIgnore: unknown;
}

export function openMpiHandles(koffi: Koffi, library: LibraryHandle): Handles {
  const handle = (name: string) => koffi.address(library.symbol(`ompi_mpi_${name}`));
  return {
    world: handle('comm_world'),
    float: handle('float'),
    double: handle('double'),
    int: handle('int'),
    int64: handle('int64_t'),
    byte: handle('byte'),
    sum: handle('op_sum'),
    min: handle('op_min'),
    max: handle('op_max'),
    errorsReturn: handle('errors_return'),
    inPlace: 1n,
    statusIgnore: 0n,
  };
}

/** @see the MPICH ABI Compatibility Initiative, and mpi.h of MPICH 4.0 */
export const MPICH_HANDLES: Handles = {
  world: 0x44000000,
  float: 0x4c00040a,
  double: 0x4c00080b,
  int: 0x4c000405,
  int64: 0x4c00083a,
  byte: 0x4c00010d,
  sum: 0x58000003,
  min: 0x58000002,
  max: 0x58000001,
  errorsReturn: 0x54000001,
  inPlace: 0xffff_ffff_ffff_ffffn,
  statusIgnore: 1n,
};
