import type { Collective } from '../collective/types.js';

/**
 * Whether any rank wants to: the same answer on all ranks, which call it at the same step. One allreduce of a flag.
 * @throws DataRefError COLLECTIVE_FAILED
 */
export async function agree(collective: Collective, wants: boolean): Promise<boolean> {
  const [most] = await collective.allreduce(Int32Array.of(wants ? 1 : 0), 'max');
  return most === 1;
}
