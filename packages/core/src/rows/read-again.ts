import { isDataRefError } from '../errors.js';
import { isTooLarge } from '../store/store-errors.js';

/** How often bytes from afar are read before they are taken for damaged where they lie, not on their way. */
export const MAX_READS = 3;

/**
 * What `read` gives; where it finds damage in what comes from afar, it is done again: bytes may be changed on their way.
 * What is too large is refused at once.
 */
export async function readAgain<T>(isFar: boolean, read: () => Promise<T>): Promise<T> {
  for (let reads = 1; ; reads++) {
    try {
      return await read();
    } catch (error) {
      const mayBeWell = isFar && isDataRefError(error, 'CORRUPT') && !isTooLarge(error);
      if (!mayBeWell || reads === MAX_READS) throw error;
    }
  }
}
