import { DataRefError, isDataRefError } from '@dataref/core';
import { ioOptionsOf, refuseUnknown } from '@dataref/core/adapter';
import { localCollectives } from '../collective/local.js';
import type { Collective } from '../collective/types.js';
import { HostNotices } from './notices.js';
import { takePlace } from './place.js';
import { meetByHorovod } from '../horovod/meeting.js';
import { HorovodRendezvous } from '../horovod/rendezvous.js';
import { checkTimeout, TIMEOUT_MS, type Opening } from '../tcp/opening.js';
import { secretFrom } from '../tcp/secret.js';
import { detectWorld, type World } from '../world/world.js';

/** One world of an elastic job, from a meeting to the next failure. */
export interface ElasticRound {
  /** Of this round; `detectWorld()` says the same. */
  readonly world: World;
  /** Of this world; closed when `train` is done. */
  readonly collective: Collective;
  /**
   * True at rank 0 once the launcher has added or removed hosts, else false: bring it into a collective, so that all ranks
   * know it at one step; save a checkpoint; and return `'rejoin'`. Who does not ask goes on without the new hosts until the
   * next failure.
   */
  readonly hostsChanged: () => boolean;
}

export interface ElasticOptions {
  /** How long the ranks of a round wait for each other once Horovod has placed them, in milliseconds; default 60,000. */
  readonly timeoutMs?: number | undefined;
  /** Ends the waiting for other ranks; `train` is to look at it by itself. */
  readonly signal?: AbortSignal | undefined;
}

const RANK_AND_SIZE = 'rank_and_size';

/**
 * Runs a training under elastic `horovodrun --gloo --host-discovery-script …`. `train` is called with a collective of all
 * workers that there are. Where it rejects with COLLECTIVE_FAILED, because a worker has died or was taken away, this worker
 * meets the others again by Horovod's rendezvous, in a world of another size, and `train` is called anew: it begins at the
 * last checkpoint. When `train` has resolved on all ranks, the job is done.
 *
 * The launcher, not the worker, bounds how often: `--reset-limit`. It takes no host on again of which a worker has died,
 * the others there are stopped, and it ends the job when all hosts are so (`--blacklist-cooldown-range` gives them back).
 * @param train resolves to `'rejoin'` to meet workers that were added
 * @returns `'removed'` where there is no place for this worker any more: its process is to end, in good order
 * @throws DataRefError INVALID_ARGUMENT where it was not started so, COLLECTIVE_FAILED where the launcher is gone; and all
 * that `train` throws except COLLECTIVE_FAILED, after which the process is to end with a status above 0
 * @see https://horovod.readthedocs.io/en/v0.28.1/elastic_include.html
 */
export async function runElastic(
  train: (round: ElasticRound) => Promise<unknown>,
  options?: ElasticOptions,
): Promise<'done' | 'removed'> {
  const { timeoutMs = TIMEOUT_MS, signal, ...unknown } = ioOptionsOf('runElastic', options);
  refuseUnknown('runElastic', unknown, ['timeoutMs', 'signal']);
  checkTimeout('runElastic', timeoutMs);
  if (typeof train !== 'function')
    throw new DataRefError('INVALID_ARGUMENT', `runElastic: expected a function that trains, got ${typeof train}`);
  const { env } = process;
  const rendezvous = HorovodRendezvous.from(env);
  const worker = `${env['HOROVOD_HOSTNAME']}:${env['HOROVOD_LOCAL_RANK']}`;
  if (rendezvous === undefined || env['HOROVOD_ELASTIC'] !== '1' || env['HOROVOD_HOSTNAME'] === undefined)
    throw new DataRefError(
      'INVALID_ARGUMENT',
      'runElastic: this process was not started by elastic Horovod: expected HOROVOD_ELASTIC, HOROVOD_HOSTNAME and ' +
        'HOROVOD_GLOO_RENDEZVOUS_ADDR as `horovodrun --gloo --host-discovery-script …` sets them',
    );
  const secret = secretFrom(env);
  const notices = await HostNotices.register(rendezvous, worker, signal);
  const hostsChanged = (): boolean => notices.hasChanged;
  try {
    do {
      const world = detectWorld();
      const opening = { world, secret, timeoutMs, signal };
      if (await isDone(train, { world, hostsChanged, meet: () => openRound(rendezvous, opening) })) return 'done';
      notices.forget();
      // A barrier: answered when each worker of the last round has asked or ended.
    } while (takePlace((await rendezvous.get(RANK_AND_SIZE, worker, signal)) ?? '', env));
    return 'removed';
  } finally {
    notices.close();
  }
}

interface Round extends Omit<ElasticRound, 'collective'> {
  readonly meet: () => Promise<Collective>;
}

/** Whether all ranks have trained to the end; else they meet again. */
async function isDone(train: (round: ElasticRound) => Promise<unknown>, { meet, ...round }: Round): Promise<boolean> {
  let collective: Collective | undefined;
  try {
    collective = await meet();
    if ((await train({ ...round, collective })) === 'rejoin') return false;
    // Until all are done the job may need each of them: the launcher ends it with the first that ends well.
    await collective.barrier();
    return true;
  } catch (error) {
    if (isDataRefError(error, 'COLLECTIVE_FAILED')) return false;
    throw error;
  } finally {
    await collective?.close();
  }
}

/** The driver empties its rendezvous before each round, so one name does for all. */
async function openRound(rendezvous: HorovodRendezvous, opening: Opening): Promise<Collective> {
  return opening.world.size === 1
    ? (localCollectives(1)[0] as Collective)
    : meetByHorovod(rendezvous, 'round', opening);
}
