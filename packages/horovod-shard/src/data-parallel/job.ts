import type { Collective } from '../collective/types.js';
import { refused } from './refused.js';

/** What both trainers have of the job: how its ranks talk, and what knows whether this one was asked to stop. */
export interface Job {
  readonly collective: Collective;
  readonly preemption?: { readonly asked: NodeJS.Signals | undefined } | undefined;
}

/** @throws DataRefError INVALID_ARGUMENT naming the option */
export function checkJob({ collective, preemption }: Job): void {
  if (typeof (Object(collective) as Partial<Collective>).allreduce !== 'function')
    throw refused("collective must be a Collective, such as await openCollective() of '@dataref/horovod-shard'");
  if (preemption !== undefined && !('asked' in Object(preemption)))
    throw refused('preemption must have asked, as onPreempt() gives it');
}
