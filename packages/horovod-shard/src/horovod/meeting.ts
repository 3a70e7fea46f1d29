import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { failed } from '../collective/checks.js';
import type { Collective } from '../collective/types.js';
import { host, visit, type Opening } from '../tcp/opening.js';
import type { HorovodRendezvous } from './rendezvous.js';

const SCOPE = 'dataref';
const POLL_MS = 100;

/** What rank 0 puts into the rendezvous. The secret keeps out ranks of another round, and who cannot read it there. */
interface Invitation {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
}

/**
 * A collective whose ranks find each other through Horovod's rendezvous: rank 0 listens on any port and says there which.
 * @param key names the meeting: the same on all ranks, and not used before in the round
 */
export async function meetByHorovod(rendezvous: HorovodRendezvous, key: string, opening: Opening): Promise<Collective> {
  const { world, timeoutMs, signal } = opening;
  const late = AbortSignal.timeout(Math.ceil(timeoutMs));
  try {
    return await meet(rendezvous, key, opening, signal === undefined ? late : AbortSignal.any([signal, late]));
  } catch (error) {
    if (error !== late.reason) throw error;
    const missing =
      world.rank === 0 ? "Horovod's rendezvous did not answer" : "rank 0 did not come to Horovod's rendezvous";
    throw failed(`rank ${world.rank} of ${world.size}: ${missing} within ${timeoutMs / 1000} s`, error);
  }
}

/** @param signal ends the talk with the rendezvous */
async function meet(
  rendezvous: HorovodRendezvous,
  key: string,
  opening: Opening,
  signal: AbortSignal,
): Promise<Collective> {
  if (opening.world.rank === 0) {
    const secret = randomBytes(16).toString('hex');
    return host({ port: 0 }, { ...opening, secret: opening.secret + secret }, async (port) => {
      const invitation: Invitation = { host: await rendezvous.localAddress(signal), port, secret };
      await rendezvous.put(SCOPE, key, JSON.stringify(invitation), signal);
    });
  }
  const deadline = performance.now() + opening.timeoutMs;
  for (;;) {
    const text = await rendezvous.get(SCOPE, key, signal);
    if (text !== undefined) {
      const { host: at, port, secret } = parseInvitation(text);
      const timeoutMs = Math.max(1, deadline - performance.now());
      return visit({ host: at, port }, { ...opening, timeoutMs, secret: opening.secret + secret });
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}

function parseInvitation(text: string): Invitation {
  try {
    const { host: at, port, secret } = JSON.parse(text) as Partial<Invitation>;
    if (typeof at === 'string' && Number.isInteger(port) && typeof secret === 'string')
      return { host: at, port: port as number, secret };
  } catch {
    // The text is not shown: it may have the secret.
  }
  throw failed("Horovod's rendezvous holds something else than where rank 0 is");
}
