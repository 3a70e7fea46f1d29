import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { fromRecords } from '@dataref/core';

/** What the training of `worker.mjs` gives in one process. */
async function weightOfOne(): Promise<number> {
  const dataset = await fromRecords(Array.from({ length: 97 }, (_, value) => ({ value })));
  const stream = dataset.stream({ shuffle: true, shuffleSeed: 7 }).globalBatch(10);
  let weight = 0;
  while (stream.state.epoch < 2)
    for await (const { indices } of stream)
      weight = (weight * 31 + Array.from(indices, (index) => (index + 1) ** 2).reduce((a, b) => a + b)) % 1_000_003;
  return weight;
}

/** The job of `worker.mjs` saw each record once an epoch, and ends with the weight of one process. */
export async function expectTrained(folder: string): Promise<void> {
  const { weight, step, seen } = JSON.parse(readFileSync(join(folder, 'checkpoint.json'), 'utf8')) as {
    readonly weight: number;
    readonly step: number;
    readonly seen: readonly string[];
  };
  const every = [0, 1].flatMap((epoch) => Array.from({ length: 97 }, (_, index) => `${epoch}:${index}`));
  expect([...seen].sort()).toEqual(every.sort());
  expect({ step, weight }).toEqual({ step: 20, weight: await weightOfOne() });
}
