import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import { runs } from '../../../core/test/scale.js';
import { asRanks, feedsOf, networkOf } from './points.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const MIB = 2 ** 20;
/** Until then V8 gives young objects more room. */
const WARM_UP = 1500;

async function settled(): Promise<NodeJS.MemoryUsage> {
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage();
}

test(`${runs(5_000)} steps of two ranks after a warm-up need no more memory`, async () => {
  const steps = WARM_UP + runs(5_000);
  const [grown] = await asRanks(2, networkOf(), async (training, sessions, collective) => {
    const feeds = feedsOf(collective, sessions, 8);
    let before: NodeJS.MemoryUsage | undefined;
    for (let step = 0; step < steps;) {
      for await (const element of feeds) {
        await training.step(element, 0.0001);
        if (++step === WARM_UP) before = await settled();
      }
    }
    const after = await settled();
    return (field: 'heapUsed' | 'external' | 'arrayBuffers' | 'rss'): number =>
      (after[field] - (before as NodeJS.MemoryUsage)[field]) / MIB;
  });
  expect(grown?.('heapUsed')).toBeLessThan(2);
  expect(grown?.('external')).toBeLessThan(1);
  expect(grown?.('arrayBuffers')).toBeLessThan(1);
  expect(grown?.('rss')).toBeLessThan(10);
}, 300_000);
