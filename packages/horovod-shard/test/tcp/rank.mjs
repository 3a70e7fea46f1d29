// One rank of a job over TCP: `node rank.mjs RANK SIZE PORT ROUNDS IDLE`. Says "ready" when all are there, then reduces so
// many rounds of 400 KB, and says "round"; unless IDLE, when it only waits. At the end it says what it has, or why not.
import { openCollective } from '@dataref/horovod-shard';
import { openTcp } from '@dataref/horovod-shard/tcp';

const [rank, size, port, rounds, idle] = process.argv.slice(2).map(Number);
const say = (text) => process.stdout.write(`${text}\n`);

const collective = await (port ? openTcp({ world: { rank, size }, address: `127.0.0.1:${port}` }) : openCollective());
try {
  await collective.barrier();
  say('ready');
  if (idle) await new Promise((resolve) => setInterval(() => resolve, 60_000));
  let sum = 0;
  for (let round = 0; round < rounds; round++) {
    const values = new Float32Array(100_000).fill(rank + round);
    await collective.allreduce(values);
    sum += values[99_999];
    say('round');
  }
  say(`sum ${sum}`);
} catch (error) {
  say(`${error.code}: ${error.message}`);
}
await collective.close();
