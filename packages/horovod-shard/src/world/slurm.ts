import { type Environment, type Place, readPlace, setting, valuesOf, wholeNumber, wrong } from './environment.js';
import type { Found } from './launchers.js';

/** Steps from here on are SLURM's own: the batch script, the shell of salloc. */
const FIRST_SPECIAL_STEP = 0xfffffff0;

/**
 * What srun tells the tasks of a step; its variables are there outside of one too, and are of one process alone.
 * @see https://slurm.schedmd.com/srun.html#SECTION_OUTPUT-ENVIRONMENT-VARIABLES
 */
export function readSlurm(env: Environment): Found | undefined {
  if (!isInStep(env)) return undefined;
  // In a step of 1 task of an allocation of 2, as mpirun makes them, SLURM_NTASKS may still be 2.
  const size = env['SLURM_STEP_NUM_TASKS'] === undefined ? 'SLURM_NTASKS' : 'SLURM_STEP_NUM_TASKS';
  const world = readPlace(env, 'SLURM_PROCID', size);
  if (world === undefined) return undefined;
  return { launcher: 'slurm', world, local: localOf(env), said: setting(env, 'SLURM_PROCID', size) };
}

/**
 * A script of sbatch runs once, whatever number of tasks it was given, as task 0 of them.
 * @throws DataRefError INVALID_ARGUMENT where a process that srun did not start would take its share, and nobody the rest
 */
export function refuseBareAllocation(env: Environment): void {
  if (isInStep(env) || (env['SLURM_JOB_ID'] === undefined && env['SLURM_PROCID'] === undefined)) return;
  for (const name of ['SLURM_NTASKS', 'SLURM_JOB_NUM_NODES', 'SLURM_NNODES'])
    if (env[name] !== undefined && wholeNumber(env, name) > 1)
      throw wrong(
        `${setting(env, name)} in a SLURM allocation, but this process was not started by srun (SLURM_STEP_ID is not that of ` +
          `a step), so the other workers are not running: start it by srun or mpirun; if it is to work alone, set ` +
          `DATAREF_RANK=0 and DATAREF_SIZE=1`,
        valuesOf(env, name, 'SLURM_PROCID', 'SLURM_STEP_ID'),
      );
}

function isInStep(env: Environment): boolean {
  const name = ['SLURM_STEP_ID', 'SLURM_STEPID'].find((each) => env[each] !== undefined);
  return name !== undefined && wholeNumber(env, name) < FIRST_SPECIAL_STEP;
}

function localOf(env: Environment): Place | undefined {
  const names = ['SLURM_LOCALID', 'SLURM_NODEID', 'SLURM_STEP_TASKS_PER_NODE'] as const;
  if (names.some((name) => env[name] === undefined)) return undefined;
  const index = wholeNumber(env, 'SLURM_LOCALID');
  const count = tasksOfNode(env['SLURM_STEP_TASKS_PER_NODE'] ?? '', wholeNumber(env, 'SLURM_NODEID'));
  if (count === undefined || index >= count)
    throw wrong(
      `${setting(env, ...names)}: expected SLURM_LOCALID below the tasks of this node, such as 0 of "2(x3),1"`,
      valuesOf(env, ...names),
    );
  return { index, count };
}

/** The tasks of a node, of a list such as `2(x3),1`: 2 on each of the first three, 1 on the fourth. */
function tasksOfNode(list: unknown, node: number): number | undefined {
  let nodes = 0;
  for (const item of String(list).split(',')) {
    const [, tasks, times = '1'] = /^(\d+)(?:\(x(\d+)\))?$/u.exec(item) ?? [];
    if (tasks === undefined) return undefined;
    nodes += Number(times);
    if (node < nodes) return Number(tasks);
  }
  return undefined;
}
