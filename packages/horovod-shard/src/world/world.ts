import type { Shard } from '@dataref/core';
import { readKubernetes, readSageMaker, readTfConfig } from './clusters.js';
import { type Environment, type Place, wrong } from './environment.js';
import { type Found, PROCESS_LAUNCHERS, type Reader, readExplicit } from './launchers.js';
import { checkPmix } from './pmix.js';
import { readSlurm, refuseBareAllocation } from './slurm.js';

/** This worker's place among the workers of its job. */
export interface World {
  /** From 0 to `size` - 1. */
  readonly rank: number;
  /** Number of workers, from 1. */
  readonly size: number;
  /** From 0 to `localSize` - 1 among the workers of this machine. */
  readonly localRank: number;
  /** Number of workers on this machine, from 1. */
  readonly localSize: number;
  /**
   * Who said so: `explicit`, `horovod`, `openmpi`, `torchrun`, `pmi`, `mvapich`, `slurm`, `kubernetes`, `sagemaker`, `tf_config`, or
   * `single` where nobody did.
   */
  readonly launcher: string;
  /** What `stream()` takes: `stream({ ...world.shard })`. */
  readonly shard: Shard;
}

/** What gives each machine its place; a launcher of processes that is run on each of them knows better. */
const MACHINE_LAUNCHERS: readonly Reader[] = [readSlurm, readKubernetes, readSageMaker, readTfConfig];
const ALONE: Place = { index: 0, count: 1 };
const SINGLE: Found = { launcher: 'single', world: ALONE, local: ALONE, said: '' };

/**
 * Finds rank and size in the variables of the launcher that started this process. The first of these that is there counts:
 *
 * 1. `DATAREF_RANK` and `DATAREF_SIZE`, and with them `DATAREF_LOCAL_RANK` and `DATAREF_LOCAL_SIZE`: they overrule the rest
 * 2. what starts each process: Horovod, Open MPI, torchrun, PMI (MPICH's Hydra and its kin), MVAPICH's mpirun_rsh
 * 3. what places machines: a step of SLURM, a Kubernetes Job's index, SageMaker, `TF_CONFIG`
 * 4. nothing: one worker, rank 0 of 1
 *
 * Launchers of one of these lines must agree, and the third with the rank of PMIx, by which srun may have started it. Where a launcher does not tell the rank on this machine, it is that of a SLURM
 * step with the same rank and size, or else this worker counts as its machine's only one: 0 of 1.
 * @param env default: `process.env`; to say rank and size in code, `{ DATAREF_RANK: '0', DATAREF_SIZE: '4' }`
 * @returns this worker's place, the same whenever it is asked for
 * @throws DataRefError INVALID_ARGUMENT for a variable that is no whole number, one of a pair alone, a rank that is not below
 *   the size, launchers that disagree, JSON of another form, and a SLURM allocation of several tasks without srun; the
 *   message names the variables and their values
 * @see the manuals of the launchers, and docs/launchers.md
 */
export function detectWorld(env: Environment = process.env): World {
  if (typeof env !== 'object' || env === null) throw wrong(`env: expected variables by name, got ${String(env)}`);
  const found = readExplicit(env) ?? agreedBy(PROCESS_LAUNCHERS, env) ?? byMachine(env);
  const { index: rank, count: size } = found.world;
  const local = found.local ?? localOfStep(found, env) ?? ALONE;
  if (local.count > size)
    throw wrong(`${found.launcher} tells of ${local.count} workers on this machine, more than all (${found.said})`);
  return {
    rank,
    size,
    localRank: local.index,
    localSize: local.count,
    launcher: found.launcher,
    shard: { shardRank: rank, numShards: size },
  };
}

/** @throws DataRefError INVALID_ARGUMENT where two of them say different things */
function agreedBy(readers: readonly Reader[], env: Environment): Found | undefined {
  const [first, ...others] = readers.map((read) => read(env)).filter((found) => found !== undefined);
  const other = first && others.find((found) => !isSame(found.world, first.world));
  if (first === undefined || other === undefined) return first;
  throw wrong(
    `launchers disagree: ${placed(first)}, but ${placed(other)}; unset the variables of the one that did not start this ` +
      `process, or set DATAREF_RANK and DATAREF_SIZE`,
  );
}

function placed({ launcher, world, said }: Found): string {
  return `${launcher} says rank ${world.index} of ${world.count} (${said})`;
}

function byMachine(env: Environment): Found {
  const found = agreedBy(MACHINE_LAUNCHERS, env);
  checkPmix(found, env);
  if (found === undefined) refuseBareAllocation(env);
  return found ?? SINGLE;
}

function localOfStep({ world, launcher }: Found, env: Environment): Place | undefined {
  const step = launcher === 'explicit' ? undefined : readSlurm(env);
  return step !== undefined && isSame(step.world, world) ? step.local : undefined;
}

function isSame(a: Place, b: Place): boolean {
  return a.index === b.index && a.count === b.count;
}
