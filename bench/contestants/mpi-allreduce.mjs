// node mpi-allreduce.mjs LIBRARY: sums of 1 MB and of 25 MB by C, by allreduceSync and by allreduce in turns, between the same
// two processes: wherever the system puts them, and whatever else it does, meets all alike. LIBRARY is mpi-allreduce.c.
import { openMpi } from '@dataref/horovod-shard/mpi';
import koffi from 'koffi';
import { median } from '../statistics.mjs';

const mpi = await openMpi();
const library = koffi.load(process.argv[2]);
const zeros = library.func('void *zeros(int count)');
const allreduceMs = library.func('double allreduceMs(void *values, int count)');

/**
 * Of each in turn some calls, after turns in which V8 compiles what is hot. The first half does not count: it finds the
 * processor's caches full of the others' data.
 */
async function measure(megabytes, { warmUp, turns, calls }) {
  const count = megabytes * 262_144;
  const [theirs, ours] = [zeros(count), new Float32Array(count)];
  const contestants = {
    C: () => allreduceMs(theirs, count),
    sync() {
      mpi.barrierSync();
      const start = performance.now();
      mpi.allreduceSync(ours);
      return performance.now() - start;
    },
    async async() {
      mpi.barrierSync();
      const start = performance.now();
      await mpi.allreduce(ours);
      return performance.now() - start;
    },
  };
  const ms = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let turn = -warmUp; turn < turns; turn++) {
    for (const [name, contestant] of Object.entries(contestants)) {
      const each = [];
      for (let i = -calls; i < calls; i++) {
        const took = await contestant();
        if (i >= 0) each.push(took);
      }
      if (turn >= 0) ms[name].push(median(each));
    }
  }
  return ms;
}

const line = {
  '1 MB': await measure(1, { warmUp: 40, turns: 40, calls: 10 }),
  '25 MB': await measure(25, { warmUp: 1, turns: 4, calls: 3 }),
};
if (mpi.rank === 0) console.log(JSON.stringify(line));
await mpi.close();
