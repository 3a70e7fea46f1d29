import { type Environment, setting, valuesOf, wholeNumber, wrong } from './environment.js';
import type { Found } from './launchers.js';

const NAMES = ['PMIX_RANK', 'PMIX_NAMESPACE'] as const;

/**
 * PMIx, by which srun and others start ranks of MPI, tells a process its rank, and the number of ranks only through its
 * library. So it names no world, and is held against the launcher that does.
 * @param found what was found, if anything was
 * @throws DataRefError INVALID_ARGUMENT where the launcher says another rank, or nobody says how many there are
 * @see PMIx 4.1, 10.1, the variables of PMIx_server_setup_fork
 */
export function checkPmix(found: Found | undefined, env: Environment): void {
  const missing = NAMES.filter((name) => env[name] === undefined);
  if (missing.length === NAMES.length) return;
  const refuse = (problem: string) => wrong(`${setting(env, ...NAMES)}: ${problem}`, valuesOf(env, ...NAMES));
  if (missing[0] !== undefined) throw refuse(`${missing[0]} is not set: set both or neither`);
  const rank = wholeNumber(env, 'PMIX_RANK');
  if (found === undefined)
    throw refuse('nobody tells how many ranks there are: set DATAREF_RANK and DATAREF_SIZE in each process');
  if (rank !== found.world.index)
    throw refuse(
      `launchers disagree: ${found.launcher} says rank ${found.world.index} (${found.said}); unset the variables of the one ` +
        `that did not start this process, or set DATAREF_RANK and DATAREF_SIZE`,
    );
}
