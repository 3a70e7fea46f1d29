// The program of a worker that is another process: `worker-main.js` hears on descriptor 4 and answers on descriptor 3 (ssh),
// `worker-main.js --connect` speaks over TCP with who has started it (mpirun). It ends with the connection.
import { Worker } from 'node:worker_threads';
import { runTask } from '../run-task.js';
import { ADDRESSES, TOKEN } from './connect-back.js';
import { guardExit } from './guarded-exit.js';
import { signalGroup } from './process-group.js';
import type { FromConnection, WorkerConnection } from './worker-connection.js';

const exit = guardExit();
const { [ADDRESSES]: addresses = '', [TOKEN]: token = '' } = process.env;
delete process.env[TOKEN]; // the functions that run here need not know it
const workerData: WorkerConnection = process.argv.includes('--connect') ? { addresses, token } : undefined;
const connection = new Worker(new URL('./worker-connection.js', import.meta.url), { workerData });

let isNew = true;
let isBusy = false;
connection.on('message', (said: FromConnection) => {
  if (said === 'end') end();
  else if (isNew) Object.assign(process.env, JSON.parse(Buffer.from(said).toString('utf8')));
  else void answer(said);
  isNew = false;
});

async function answer(task: Uint8Array): Promise<void> {
  isBusy = true;
  const bytes = await runTask(task);
  isBusy = false;
  connection.postMessage(bytes, [bytes.buffer as ArrayBuffer]);
}

/** A function that is cut short is so with the programs that it has started. */
function end(): void {
  if (isBusy) {
    process.on('SIGTERM', () => undefined);
    signalGroup('SIGTERM', workerData === undefined);
  }
  exit(0);
}
