import { DataRefError, isDataRefError } from '@dataref/core';

/** A codec of an array in a folder. @throws DataRefError UNSUPPORTED, CORRUPT with the folder */
export function codecIn<C>(folder: string, make: () => C): C {
  try {
    return make();
  } catch (cause) {
    if (!isDataRefError(cause)) throw cause;
    const details = { ...cause.details, key: folder, field: 'codecs' };
    throw new DataRefError(cause.code, `${folder}: codecs: ${cause.message}`, { cause, details });
  }
}
