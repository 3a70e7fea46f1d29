import { DataRefError } from '@dataref/core';
import { ioOptionsOf, refuseUnknown } from '@dataref/core/adapter';
import { checkWorld } from '../collective/checks.js';
import { localCollectives } from '../collective/local.js';
import type { Collective } from '../collective/types.js';
import { meetByHorovod } from '../horovod/meeting.js';
import { HorovodRendezvous } from '../horovod/rendezvous.js';
import { addressFrom, parseAddress } from './address.js';
import { checkTimeout, openAt, TIMEOUT_MS } from './opening.js';
import { keyOf, secretFrom } from './secret.js';
import { detectWorld, type World } from '../world/world.js';

export interface TcpOptions {
  /** Rank and size of this process; default `detectWorld()`. */
  readonly world?: Pick<World, 'rank' | 'size'> | undefined;
  /**
   * `host:port` where rank 0 listens, the same on all ranks. Default: DATAREF_ADDRESS; else the rendezvous of
   * `horovodrun --gloo`, through which the ranks find each other; else MASTER_ADDR and the port after MASTER_PORT, since
   * torchrun itself listens on MASTER_PORT. Of a name, rank 0 binds all interfaces; of an address, that one.
   */
  readonly address?: string | undefined;
  /**
   * What all ranks know and strangers do not; default DATAREF_SECRET. Without one, anybody who reaches the port may join:
   * give an address that only the job can reach. It is never sent. It keeps strangers from joining, not from the path: after
   * the handshake what the ranks send is neither encrypted nor authenticated.
   */
  readonly secret?: string | undefined;
  /** How long the ranks are waited for, in milliseconds from this rank's own call, below 2^31; default 60,000. */
  readonly timeoutMs?: number | undefined;
  /** Ends the opening; not the collective. */
  readonly signal?: AbortSignal | undefined;
}

/** Meetings through Horovod's rendezvous, which all ranks make in the same order. */
let meetings = 0;

/**
 * The collective of a job over TCP, for launchers that bring no MPI. The ranks form a star: rank 0 listens, takes what the
 * others send, reduces it in the order of the ranks and sends it back, so that all have the same bits. Its network carries
 * size - 1 times what the others' do: meant for a few machines.
 *
 * A rank whose process or machine dies ends the calls of all others within seconds; one that is only slow, or stopped, is
 * waited for, as a step of training may take long. Values are sent in the byte order of the machine, little-endian wherever
 * Node runs on x86 and ARM.
 * Ranks of two jobs at one port do not mix where the jobs have names: DATAREF_JOB, else TORCHELASTIC_RUN_ID or SLURM_JOB_ID.
 * @returns when all ranks have come
 * @throws DataRefError INVALID_ARGUMENT, COLLECTIVE_FAILED where they do not come within `timeoutMs`, one of this rank is
 * there already, the worlds differ in size, the secret or the job's name differs, or the port is taken
 */
export async function openTcp(options?: TcpOptions): Promise<Collective> {
  const {
    world: given,
    address,
    secret: own,
    timeoutMs = TIMEOUT_MS,
    signal,
    ...unknown
  } = ioOptionsOf('openTcp', options);
  refuseUnknown('openTcp', unknown, ['world', 'address', 'secret', 'timeoutMs', 'signal']);
  const { rank, size } = given === undefined ? detectWorld() : checkWorld('openTcp: world', given);
  if (own !== undefined && typeof own !== 'string') throw invalid('secret: expected a string'); // it is not shown
  checkTimeout('openTcp', timeoutMs);
  signal?.throwIfAborted();
  if (size === 1) return localCollectives(1)[0] as Collective;

  const { env } = process;
  const secret = own ?? secretFrom(env);
  const opening = { world: { rank, size }, secret: keyOf(secret, env), timeoutMs, signal };
  if (address !== undefined) return openAt(parseAddress('openTcp: address', address), opening);
  const rendezvous = HorovodRendezvous.from(env);
  if (rendezvous !== undefined && env['DATAREF_ADDRESS'] === undefined)
    return meetByHorovod(rendezvous, `collective-${meetings++}`, { ...opening, secret });
  const told = addressFrom(env);
  if (told === undefined)
    throw invalid(
      'nothing tells where rank 0 listens: set DATAREF_ADDRESS to host:port, the same on all ranks, or call openTcp({ address }) ' +
        '(torchrun sets MASTER_ADDR and MASTER_PORT, horovodrun --gloo its rendezvous)',
    );
  return openAt(told, opening);
}

function invalid(message: string): DataRefError {
  return new DataRefError('INVALID_ARGUMENT', `openTcp: ${message}`);
}
