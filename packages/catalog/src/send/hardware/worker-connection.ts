// The thread of a worker's process that speaks with who has started it: it hears that this one is gone, though a function that runs in the
// main thread never gives way.
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { connectBack } from './connect-back.js';
import { signalGroup } from './process-group.js';
import { listen, READY, say } from './protocol.js';

/** Where to connect to; undefined: descriptors 4 and 3 are the connection. */
export type WorkerConnection = { readonly addresses: string; readonly token: string } | undefined;

/** What the main thread is told: the environment, tasks, and that nothing comes any more. */
export type FromConnection = Uint8Array | 'end';

/** In which the main thread may end the process by itself. */
const GRACE_MS = 1000;

const main = parentPort as MessagePort;
const to = workerData as WorkerConnection;
const connection = await connected();
connection.output.on('error', () => undefined); // its end tells
connection.output.write(READY);
listen(connection.input, (frame) => main.postMessage(frame satisfies FromConnection, [frame.buffer]));
main.on('message', (answer: Uint8Array) => say(connection.output, answer));
for (const side of [connection.input, connection.output]) side.once('close', end);

function end(): void {
  main.postMessage('end' satisfies FromConnection, []);
  setTimeout(() => signalGroup('SIGKILL', to === undefined), GRACE_MS);
}

async function connected(): Promise<{ readonly input: Readable; readonly output: Writable }> {
  if (to === undefined) {
    const input = new Socket({ fd: 4, readable: true, writable: false });
    const output = new Socket({ fd: 3, readable: false, writable: true, allowHalfOpen: true });
    return { input, output };
  }
  const socket = await connectBack(to.addresses, to.token);
  return { input: socket, output: socket };
}
