// The program of the thread that waits for other ranks: carries out one turn after the other.
import { parentPort, workerData } from 'node:worker_threads';
import { bind, type Call } from './functions.js';
import { importKoffi } from './koffi.js';
import { carryOut } from './turn.js';
import type { Answer, SentBytes, SentTurn, ThreadStart } from './waiting-thread.js';

const { library, handleType } = workerData as ThreadStart;
const koffi = await importKoffi();
const functions = bind(koffi.load(library, { global: true }), handleType);

parentPort?.on('message', (sent: SentTurn) => parentPort?.postMessage(answerTo(sent), []));

function answerTo({ told, least, ...turn }: SentTurn): Answer {
  let failure: Answer | undefined;
  const run = ({ name, values }: Call): void => {
    const code = functions[name](...values) as number;
    if (code === 0) return;
    failure = { name, code };
    throw new Error(`MPI_${name} gave ${code}`);
  };
  try {
    run(turn.wait);
    return { isUnanimous: carryOut({ ...turn, told: bytesAt(told), least: bytesAt(least) }, run) };
  } catch (error) {
    if (failure === undefined) throw error;
    return failure;
  }
}

function bytesAt({ at, byteLength }: SentBytes): Uint8Array {
  return new Uint8Array(koffi.view(at, byteLength));
}
