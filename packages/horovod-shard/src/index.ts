export type { Collective, Reducible, Reduction, Sendable } from './collective/types.js';
export { localCollectives } from './collective/local.js';
export { agree } from './preemption/agree.js';
export { onPreempt, type Preemption, type PreemptOptions } from './preemption/preemption.js';
export { coverageLog, type CoverageLog, type CoverageLogOptions } from './coverage/log-writer.js';
export { readCoverageLogs } from './coverage/log-reader.js';
export { proveCoverage } from './coverage/prove.js';
export { stateLogs, type Segment } from './coverage/state-logs.js';
export type { Coverage, CoverageOptions, RankLog, Seen } from './coverage/types.js';
