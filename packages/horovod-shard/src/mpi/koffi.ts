import { DataRefError } from '@dataref/core';

export type Koffi = typeof import('koffi').default;

/** @throws DataRefError MISSING_PACKAGE */
export async function importKoffi(): Promise<Koffi> {
  try {
    return (await import('koffi')).default;
  } catch (cause) {
    throw new DataRefError('MISSING_PACKAGE', 'MPI is called through koffi: npm i koffi', { cause });
  }
}
