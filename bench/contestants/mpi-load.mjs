// node mpi-load.mjs STORE EPOCHS: a rank loads its share of W1, so many epochs; records a second of all ranks together.
import { FileStorage } from '@dataref/core/fs';
import { openMpi } from '@dataref/horovod-shard/mpi';
import { SEED } from '../workloads.mjs';

const [folder, epochs] = process.argv.slice(2);
const mpi = await openMpi();
const dataref = await new FileStorage(folder).fetch('w1', '1');
const batches = dataref
  .stream({ shuffle: true, shuffleSeed: SEED, shardRank: mpi.rank, numShards: mpi.size })
  .batch(128, { reuse: true });

async function load(times) {
  let records = 0;
  for (let i = 0; i < times; i++) for await (const { length } of batches) records += length;
  return records;
}

await load(5);
await mpi.barrier();
const start = performance.now();
const records = await mpi.allreduce(Float64Array.of(await load(Number(epochs))));
const seconds = (performance.now() - start) / 1e3;
if (mpi.rank === 0) console.log(JSON.stringify({ recordsPerS: Math.round(records[0] / seconds) }));
await batches.close();
await mpi.close();
