// A worker as a launcher starts it: says its place, reads its share of a stored dataset, and leaves both in a folder.
// usage: world-worker.mjs STORAGE OUT
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileStorage } from '@dataref/core/fs';
import { detectWorld } from '@dataref/horovod-shard';

const [storage, out] = process.argv.slice(2);

const world = detectWorld();
console.log(`rank ${world.rank} of ${world.size}, ${world.localRank} of ${world.localSize} here: ${world.launcher}`);

const data = await new FileStorage(storage).fetch('records', '1');
const stream = () => data.stream({ shuffle: true, shuffleSeed: 7, ...world.shard });
const records = [];
for await (const { id } of stream()) records.push(id);
const steps = [];
for await (const batch of stream().globalBatch(10)) steps.push(Array.from(batch.columns.id.data));
writeFileSync(join(out, `${world.rank}-${process.pid}.json`), JSON.stringify({ world, records, steps }));
