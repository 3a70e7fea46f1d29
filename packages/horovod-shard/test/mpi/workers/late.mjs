// A call that rank 0 has begun while its program does not let go of its thread until rank 1 has the result: node late.mjs FOLDER.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { openMpi } from '@dataref/horovod-shard/mpi';

const [folder] = process.argv.slice(2);
const isThere = (name) => existsSync(join(folder, name));
const tell = (name) => writeFileSync(join(folder, name), '');
const mpi = await openMpi();
const { rank } = mpi;
const values = Float32Array.of(rank, 1);
if (rank === 0) {
  // Rank 1 comes later, so that both calls are left to the thread.
  const first = mpi.barrier();
  await setImmediate();
  tell('in barrier');
  await first;
  const sum = mpi.allreduce(values);
  await setImmediate();
  tell('busy');
  while (!isThere('done'));
  await sum;
} else {
  while (!isThere('in barrier')) await setTimeout(1);
  await mpi.barrier();
  while (!isThere('busy')) await setTimeout(1);
  await mpi.allreduce(values);
  tell('done');
}
console.log(JSON.stringify({ rank, sum: Array.from(values) }));
await mpi.close();
