export type { Collective, Reducible, Reduction, Sendable } from './collective/types.js';
export { localCollectives } from './collective/local.js';
export { detectWorld, type World } from './world/world.js';
export { agree } from './preemption/agree.js';
export { onPreempt, type Preemption, type PreemptOptions } from './preemption/preemption.js';
