// What becomes of an error of MPI's own: a count below 0, which no call of ours has.
import { call } from '../../../dist/mpi/functions.js';
import { MpiLibrary } from '../../../dist/mpi/library.js';
import { WaitingThread } from '../../../dist/mpi/waiting-thread.js';

const mpi = await MpiLibrary.load([process.argv[2]]);
const { rank } = mpi.init();
const { byte, world } = mpi.handles;
const failing = call('Bcast', 0n, -1, byte, 0, world);
const told = ({ code, message }) => ({ code, message });
const words = new Int32Array(1);
const comparison = { told: words, least: words, rounds: [], gather: failing };
const apart = await new WaitingThread(mpi, comparison).carryOut({ round: 0, calls: [failing] }).catch(told);
try {
  mpi.run(failing);
} catch (error) {
  console.log(JSON.stringify({ rank, here: told(error), apart }));
}
mpi.run(call('Finalize'));
