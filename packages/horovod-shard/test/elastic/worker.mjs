// A worker of an elastic job: `node worker.mjs FOLDER`. Two epochs over 97 records in global batches of 10; rank 0 saves the
// weight, the state and what all ranks have seen, every third step, in FOLDER/checkpoint.json.
// DIE=RANK:STEP kills that worker once at the end of that step; GROW=STEP:LINES makes rank 0 write hosts (lines
// with commas between) for the launcher to discover, once, and wait until it is told of them.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fromRecords } from '@dataref/core';
import { runElastic } from '@dataref/horovod-shard/elastic';

const EPOCHS = 2;
const BATCH = 10;
const folder = process.argv[2];
const checkpoint = join(folder, 'checkpoint.json');
const dataset = await fromRecords(Array.from({ length: 97 }, (_, value) => ({ value })));
const me = `${process.env.HOROVOD_HOSTNAME}:${process.env.HOROVOD_LOCAL_RANK}`;
const say = (text) => console.log(`[${me}] ${text}`);

/** Whether this is the first time in the job. */
function isFirst(what) {
  try {
    writeFileSync(join(folder, `once-${what}`), '', { flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}

async function train({ world, collective, hostsChanged }) {
  const saved = existsSync(checkpoint) ? JSON.parse(readFileSync(checkpoint, 'utf8')) : undefined;
  let { weight, step } = saved ?? { weight: 0, step: 0 };
  const seen = saved?.seen ?? [];
  say(`rank ${world.rank} of ${world.size} from step ${step}`);
  const stream = (
    saved ? dataset.resume(saved.state, world.shard) : dataset.stream({ shuffle: true, shuffleSeed: 7, ...world.shard })
  ).globalBatch(BATCH);

  while (stream.state.epoch < EPOCHS) {
    for await (const batch of stream) {
      const own = new Int32Array(BATCH).fill(-1);
      own.set(batch.indices);
      const all = (await collective.allgather(own)).filter((index) => index >= 0);
      const [sum, changed] = await collective.allreduce(
        Float64Array.of(
          batch.indices.reduce((total, index) => total + (index + 1) ** 2, 0),
          hostsChanged() ? 1 : 0,
        ),
      );
      weight = (weight * 31 + sum) % 1_000_003;
      seen.push(...Array.from(all, (index) => `${batch.epoch}:${index}`));
      step++;

      if (process.env.DIE === `${world.rank}:${step}` && isFirst('die')) process.kill(process.pid, 'SIGKILL');
      if (world.rank === 0) {
        const [at, hosts] = (process.env.GROW ?? '').split(';');
        if (Number(at) === step && isFirst('grow')) {
          writeFileSync(join(folder, 'hosts'), `${hosts.split(',').join('\n')}\n`);
          while (!hostsChanged()) await setTimeout(10);
        }
        if (step % 3 === 0 || changed > 0 || batch.state.epoch === EPOCHS) {
          writeFileSync(`${checkpoint}.tmp`, JSON.stringify({ weight, step, seen, state: batch.state }));
          renameSync(`${checkpoint}.tmp`, checkpoint);
        }
      }
      if (changed > 0) return 'rejoin';
    }
  }
  if (world.rank === 0) say(`trained ${step} steps to ${weight}`);
  return 'done';
}

say(`ends: ${await runElastic(train)}`);
