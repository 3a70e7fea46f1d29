// Rank 0 waits in a collective until its own handler of SIGTERM has run, which rank 1 waits for before it comes.
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { openMpi } from '@dataref/horovod-shard/mpi';

const flag = process.argv[2];
const mpi = await openMpi();
const { rank } = mpi;
let isHandled = false;
process.on('SIGTERM', () => {
  isHandled = true;
  writeFileSync(flag, '');
});
if (rank === 0) {
  const waiting = mpi.barrier();
  process.kill(process.pid, 'SIGTERM');
  await waiting;
} else {
  while (!existsSync(flag)) await setTimeout(5);
  await mpi.barrier();
}
console.log(JSON.stringify({ rank, isHandled }));
await mpi.close();
