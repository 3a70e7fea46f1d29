// The program of a worker that is another process: `worker-main.js` hears on stdin and answers on descriptor 3 (ssh),
// `worker-main.js --connect` speaks over TCP with who has started it (mpirun). It ends with the connection.
import { createWriteStream } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { connectBack } from './connect-back.js';
import { guardExit } from './guarded-exit.js';
import { listen, say, type FromWorker, type ToWorker } from './protocol.js';
import { runTask } from '../run-task.js';

const exit = guardExit();

/** Where tasks come from, and how answers go back. */
interface Connection {
  readonly input: Readable;
  readonly output: Writable;
}

async function connection(): Promise<Connection> {
  if (process.argv.includes('--connect')) {
    const socket = await connectBack();
    return { input: socket, output: socket };
  }
  const output = createWriteStream('', { fd: 3 });
  output.on('error', () => undefined); // the end of its input tells
  return { input: process.stdin, output };
}

const { input, output } = await connection();
const answer = (message: FromWorker): void => say(output, message);
listen(input, (message) => {
  const told = message as unknown as ToWorker;
  if (told.kind === 'env') {
    Object.assign(process.env, told.env);
    answer({ kind: 'ready' });
  } else if (told.kind === 'task') {
    void runTask(Buffer.from(told.bytes, 'base64')).then((bytes) =>
      answer({ kind: 'answer', bytes: Buffer.from(bytes).toString('base64') }),
    );
  }
});
for (const end of ['end', 'close']) input.on(end, () => exit(0));
