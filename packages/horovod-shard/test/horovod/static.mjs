// A worker of a job that needs nothing but its launcher: says its rank, and the sum of all ranks.
import { detectWorld, openCollective } from '@dataref/horovod-shard';

const { launcher, rank, size } = detectWorld();
const collective = await openCollective();
const [sum] = await collective.allreduce(Float32Array.of(rank));
const ranks = await collective.allgather(Uint8Array.of(rank));
console.log(`${launcher}: rank ${rank} of ${size}, ranks ${ranks.join(' ')}, sum ${sum}`);
await collective.close();
