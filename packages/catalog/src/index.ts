export type { Hardware, Workforce, WorkforceOptions } from './send/hardware.js';
export { local, type LocalOptions } from './send/hardware/local.js';
export { mpi, type MpiOptions } from './send/hardware/mpi.js';
export { ssh, type SshOptions } from './send/hardware/ssh.js';
export { runTask } from './send/run-task.js';
export { send } from './send/send.js';
export type { Ref, Send, SendInput, SendOptions } from './send/types.js';
