// The program of a worker that is another process: `worker-main.js` speaks on stdin and stdout (ssh), `worker-main.js
// --connect` over TCP with who has started it (mpirun). It ends with the connection.
import type { Readable } from 'node:stream';
import { connectBack } from './connect-back.js';
import { guardExit } from './guarded-exit.js';
import { encodeLine, listen, say, type FromWorker, type ToWorker } from './protocol.js';
import { runTask } from '../run-task.js';

const exit = guardExit();

/** Where tasks come from, and how answers go back. */
interface Connection {
  readonly input: Readable;
  readonly answer: (message: FromWorker) => void;
}

async function connection(): Promise<Connection> {
  if (process.argv.includes('--connect')) {
    const socket = await connectBack();
    return { input: socket, answer: (message) => say(socket, message) };
  }
  const write = process.stdout.write.bind(process.stdout);
  // What functions print is no message: it goes where errors go.
  process.stdout.write = process.stderr.write.bind(process.stderr);
  return { input: process.stdin, answer: (message) => void write(encodeLine(message)) };
}

const { input, answer } = await connection();
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
