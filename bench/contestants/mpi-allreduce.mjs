// node mpi-allreduce.mjs FORM ONE LARGE: what mpi-allreduce.c measures, of allreduce or allreduceSync.
import { openMpi } from '@dataref/horovod-shard/mpi';
import { median } from '../statistics.mjs';

const [form, one, large] = process.argv.slice(2);
const mpi = await openMpi();

async function measure(megabytes, times) {
  const values = new Float32Array(megabytes * 262_144);
  const ms = [];
  for (let i = -2; i < times; i++) {
    mpi.barrierSync();
    const start = performance.now();
    if (form === 'sync') mpi.allreduceSync(values);
    else await mpi.allreduce(values);
    if (i >= 0) ms.push(performance.now() - start);
  }
  return { median: median(ms), least: Math.min(...ms) };
}

const line = { '1 MB': await measure(1, Number(one)), '25 MB': await measure(25, Number(large)) };
if (mpi.rank === 0) console.log(JSON.stringify({ ...line, library: mpi.library }));
await mpi.close();
