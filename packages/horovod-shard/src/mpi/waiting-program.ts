// The program of the thread that waits for other ranks: carries out one turn after the other.
import { parentPort, workerData } from 'node:worker_threads';
import { bind, type Call } from './functions.js';
import { importKoffi } from './koffi.js';
import { carryOut } from './turn.js';
import type { Answer, SentTurn, ThreadStart } from './waiting-thread.js';

const { library, handleType } = workerData as ThreadStart;
const koffi = await importKoffi();
const functions = bind(koffi.load(library, { global: true }), handleType);

parentPort?.on('message', (sent: SentTurn) => parentPort?.postMessage(answerTo(sent), []));

function answerTo({ claims: { at, byteLength }, ...turn }: SentTurn): Answer {
  let failure: Answer | undefined;
  const run = ([call, ...values]: Call): void => {
    const code = functions[call](...values) as number;
    if (code === 0) return;
    failure = { call, code };
    throw new Error(`MPI_${call} gave ${code}`);
  };
  try {
    return { isUnanimous: carryOut({ ...turn, claims: new Int32Array(koffi.view(at, byteLength)) }, run) };
  } catch (error) {
    if (failure === undefined) throw error;
    return failure;
  }
}
