// How ranks end, one other than the rest: node ends.mjs WAY.
import { openMpi } from '@dataref/horovod-shard/mpi';

const mpi = await openMpi();
const { rank } = mpi;
const print = (line) => process.stdout.write(`${JSON.stringify({ rank, ...line })}\n`);
const values = new Float32Array(1000);
const told = (error) => print({ code: error.code, message: error.message });
const forever = () => new Promise(() => setInterval(() => undefined, 1000));
async function train() {
  for (;;) await mpi.allreduce(values);
}
for (let i = 0; i < 10; i++) await mpi.allreduce(values);

const isOther = rank === 1;
const ways = {
  'is killed': () => (isOther ? process.kill(process.pid, 'SIGKILL') : train()),
  'is killed while the others work': () => (isOther ? process.kill(process.pid, 'SIGKILL') : forever()),
  throws() {
    if (isOther) throw new Error('a bug of the user');
    return train();
  },
  'throws within a call'() {
    if (!isOther) return forever();
    setTimeout(() => {
      throw new Error('a bug of the user');
    }, 100);
    return mpi.barrier();
  },
  'exits within a call, with 0'() {
    if (!isOther) return forever();
    setTimeout(() => process.exit(0), 100);
    return mpi.barrier();
  },
  'exits within a call, with 7'() {
    if (!isOther) return forever();
    setTimeout(() => process.exit(7), 100);
    return mpi.barrier();
  },
  'all forget to close': () => undefined,
  'leaves early': () => (isOther ? mpi.close() : train().catch(told)),
  'forgets to close, early': () => (isOther ? undefined : train().catch(told)),
  'has fewer values': () => mpi.allreduce(isOther ? values.subarray(1) : values).catch(told),
  async 'makes another call'() {
    await (isOther ? mpi.barrier() : mpi.allgather(values)).catch(told);
    await mpi.barrier().catch(told);
    await mpi.close();
  },
};
await ways[process.argv[2]]();
