// The program of the thread that waits for other ranks: carries out one turn after the other.
import { parentPort, workerData } from 'node:worker_threads';
import { bind, type Call } from './functions.js';
import { importKoffi } from './koffi.js';
import { carryOut, type Comparison } from './turn.js';
import type { Answer, SentWords, ThreadStart, Turn } from './waiting-thread.js';

const { library, handleType, comparison: sent } = workerData as ThreadStart;
const koffi = await importKoffi();
const functions = bind(koffi.load(library, { global: true }), handleType);
const comparison: Comparison = {
  ...sent,
  told: wordsAt(sent.told),
  least: wordsAt(sent.least),
  rounds: sent.rounds.map((round) => ({ ...round, heard: wordsAt(round.heard) })),
};

parentPort?.on('message', (turn: Turn) => parentPort?.postMessage(answerTo(turn), []));

function answerTo({ round, calls }: Turn): Answer {
  let failure: Answer | undefined;
  const run = ({ name, values }: Call): void => {
    const code = functions[name](...values) as number;
    if (code === 0) return;
    failure = { name, code };
    throw new Error(`MPI_${name} gave ${code}`);
  };
  try {
    return { isUnanimous: carryOut(comparison, round, calls, run) };
  } catch (error) {
    if (failure === undefined) throw error;
    return failure;
  }
}

function wordsAt({ at, byteLength }: SentWords): Int32Array {
  return new Int32Array(koffi.view(at, byteLength));
}
