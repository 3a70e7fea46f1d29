import { DataRefError } from '@dataref/core';
import { localCollectives } from './collective/local.js';
import type { Collective } from './collective/types.js';
import { meetByHorovod } from './horovod/meeting.js';
import { HorovodRendezvous } from './horovod/rendezvous.js';
import { addressFrom, parseAddress } from './tcp/address.js';
import { checkTimeout, openAt, type Place } from './tcp/opening.js';
import { keyOf, secretFrom } from './tcp/secret.js';
import { detectWorld } from './world/world.js';

export interface TcpOptions {
  /** Rank and size of this process; default `detectWorld()`. */
  readonly world?: Place;
  /**
   * `host:port` where rank 0 listens, the same on all ranks. Default: DATAREF_ADDRESS; else the rendezvous of
   * `horovodrun --gloo`, through which the ranks find each other; else MASTER_ADDR and the port after MASTER_PORT, since
   * torchrun itself listens on MASTER_PORT. Of a name, rank 0 binds all interfaces; of an address, that one.
   */
  readonly address?: string;
  /**
   * What all ranks know and strangers do not; default DATAREF_SECRET. Without one, anybody who reaches the port may join:
   * give an address that only the job can reach. It is never sent. It keeps strangers from joining, not from the path: after
   * the handshake what the ranks send is neither encrypted nor authenticated.
   */
  readonly secret?: string;
  /** How long the ranks are waited for, in milliseconds from this rank's own call, below 2^31; default 60,000. */
  readonly timeoutMs?: number;
  /** Ends the opening; not the collective. */
  readonly signal?: AbortSignal;
}

const TIMEOUT_MS = 60_000;
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
export async function openTcp(options: TcpOptions = {}): Promise<Collective> {
  const { world = detectWorld(), signal, secret = secretFrom(process.env), timeoutMs = TIMEOUT_MS } = options;
  checkPlace(world);
  checkTimeout('openTcp', timeoutMs);
  signal?.throwIfAborted();
  if (world.size === 1) return localCollectives(1)[0] as Collective;

  const place = { rank: world.rank, size: world.size };
  const opening = { world: place, secret: keyOf(secret, process.env), timeoutMs, signal };
  if (options.address !== undefined) return openAt(parseAddress('openTcp: address', options.address), opening);
  const rendezvous = HorovodRendezvous.from(process.env);
  if (rendezvous !== undefined && process.env['DATAREF_ADDRESS'] === undefined)
    return meetByHorovod(rendezvous, `collective-${meetings++}`, { ...opening, secret });
  const address = addressFrom(process.env);
  if (address === undefined)
    throw invalid(
      'nothing tells where rank 0 listens: give `address`, or set DATAREF_ADDRESS to host:port on all ranks (torchrun sets ' +
        'MASTER_ADDR and MASTER_PORT, horovodrun --gloo its rendezvous)',
    );
  return openAt(address, opening);
}

function checkPlace({ rank, size }: Place): void {
  const isPlace = [rank, size].every((value) => Number.isInteger(value)) && rank >= 0 && rank < size && size < 2 ** 32;
  if (!isPlace) throw invalid(`world: expected a rank from 0 below the size, got rank ${rank} of ${size}`);
}

function invalid(message: string): DataRefError {
  return new DataRefError('INVALID_ARGUMENT', `openTcp: ${message}`);
}
