import { DataRefError } from '@dataref/core';
import type { Collective } from '../collective/types.js';
import { failed } from '../collective/checks.js';
import { interfaceOf, type Address } from './address.js';
import { TcpCollective } from './collective.js';
import { Gathering } from './gathering.js';
import { Hub } from './hub.js';
import { join } from './joining.js';
import { Spoke } from './spoke.js';

export interface Opening {
  readonly world: { readonly rank: number; readonly size: number };
  readonly secret: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** How long the ranks wait for each other where nothing is said. */
export const TIMEOUT_MS = 60_000;
/** Longer timers fire at once. */
const MOST_MS = 2 ** 31 - 1;

/** @throws DataRefError INVALID_ARGUMENT */
export function checkTimeout(what: string, timeoutMs: number): void {
  if (!(typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= MOST_MS))
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `${what}: timeoutMs: expected milliseconds above 0, at most ${MOST_MS}, got ${String(timeoutMs)}`,
    );
}

/**
 * Rank 0's end of a job.
 * @param announce tells the others the port, where they do not know it
 */
export async function host(
  bound: ReturnType<typeof interfaceOf>,
  { world, secret, timeoutMs, signal }: Opening,
  announce: (port: number) => Promise<void> = async () => undefined,
): Promise<Collective> {
  const gathering = await Gathering.at(bound, { size: world.size, secret }).catch((error: unknown) => {
    const where = `${bound.host ?? 'any interface'}:${bound.port}`;
    throw failed(`rank 0 cannot listen at ${where}: ${(error as Error).message}`, error);
  });
  await announce(gathering.port).catch((error: unknown) => {
    gathering.abandon('rank 0 could not say where it is');
    throw error;
  });
  return new TcpCollective(world, new Hub(await gathering.peers(timeoutMs, signal)));
}

/** The end of another rank. */
export async function visit(address: Address, opening: Opening): Promise<Collective> {
  const wire = await join({ ...address, ...opening });
  return new TcpCollective(opening.world, new Spoke(opening.world.rank, wire));
}

export async function openAt(address: Address, opening: Opening): Promise<Collective> {
  return opening.world.rank === 0 ? host(interfaceOf(address), opening) : visit(address, opening);
}
