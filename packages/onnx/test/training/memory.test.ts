import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import { runs } from '../../../core/test/scale.js';
import { loopOf, mlp, openSession, points } from './points.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const MIB = 2 ** 20;
/** Until then V8 gives young objects more room, some 25 MiB in all. */
const WARM_UP = 6000;

async function settled(): Promise<NodeJS.MemoryUsage> {
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage();
}

test(`${runs(10_000)} steps after a warm-up need no more memory`, async () => {
  const session = await openSession(mlp);
  const steps = WARM_UP + runs(10_000);
  const stream = points.stream({ shuffle: true, shuffleSeed: 1 }).batch(8);
  let before: NodeJS.MemoryUsage | undefined;
  for await (const { step } of loopOf(session, { steps, stream, learningRate: 0.001 }))
    if (step === WARM_UP) before = await settled();
  const after = await settled();
  await session.release();
  const grown = (field: 'heapUsed' | 'external' | 'arrayBuffers' | 'rss'): number =>
    (after[field] - (before as NodeJS.MemoryUsage)[field]) / MIB;
  expect(grown('heapUsed')).toBeLessThan(2);
  expect(grown('external')).toBeLessThan(1);
  expect(grown('arrayBuffers')).toBeLessThan(1);
  expect(grown('rss')).toBeLessThan(10);
}, 300_000);

test('sessions that were trained are released whole', async () => {
  const train = async (times: number): Promise<number> => {
    for (let i = 0; i < times; i++) {
      const session = await openSession(mlp);
      for await (const { step } of loopOf(session)) if (step === 5) break;
      await session.release();
      await expect(session.run({})).rejects.toThrow();
    }
    return (await settled()).rss / MIB;
  };
  const before = await train(runs(50));
  const after = await train(runs(200));
  // One session of this model takes more than 0.3 MiB.
  expect(after - before).toBeLessThan(Math.max(16, runs(200) * 0.1));
}, 300_000);
