// What becomes of an error of MPI's own: a count below 0, which no call of ours has.
import { MpiLibrary } from '../../../dist/mpi/library.js';

const mpi = await MpiLibrary.load([process.argv[2]]);
const { rank } = mpi.init();
const { byte, world } = mpi.handles;
const call = ['Bcast', new Uint8Array(1), -1, byte, 0, world];
const told = ({ code, message }) => ({ code, message });
const apart = await mpi.runApart(call).catch(told);
try {
  mpi.run(call);
} catch (error) {
  console.log(JSON.stringify({ rank, here: told(error), apart }));
}
mpi.run(['Finalize']);
