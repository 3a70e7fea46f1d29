// Sums by what openCollective finds.
import { openCollective } from '@dataref/horovod-shard';

const collective = await openCollective();
const { rank, size, library = 'TCP' } = collective;
const [sum] = await collective.allreduce(Float32Array.of(rank + 1));
console.log(`rank ${rank} of ${size}: sum ${sum} by ${library}`);
await collective.close();
