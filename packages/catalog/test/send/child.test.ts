import { expect, test } from '@jest/globals';
import { startChild } from '../../dist/send/hardware/child.js';

/** What becomes of a program that says so much on its stderr and fails. */
const endOf = (words: string): Promise<string> =>
  startChild(process.execPath, ['-e', `process.stderr.write(${JSON.stringify(words)}, () => process.exit(3))`]).ended;

test('of a process that ends, its last words are told, however long the native stacks are that follow them', async () => {
  const v8 = Array.from(
    { length: 60 },
    (_, i) => `${i + 1}: 0xb78db3 node::OOMErrorHandler(char const*) [/opt/node/bin/node]`,
  );
  const openMpi = Array.from(
    { length: 60 },
    (_, i) => `[vm:02592] [${String(i).padStart(2)}] /lib/libpmix.so.2(+0x703)[0x7f99b1050e83]`,
  );
  const words = [
    'FATAL ERROR: JavaScript heap out of memory',
    ...v8,
    '[vm:02592] Signal: Segmentation fault (11)',
    ...openMpi,
  ];
  expect(await endOf(`${words.join('\n')}\n`)).toBe(
    `${process.execPath} ended with exit code 3: FATAL ERROR: JavaScript heap out of memory [vm:02592] Signal: Segmentation fault (11)`,
  );
});

test('of a process that says more than a message holds, the last is told', async () => {
  const told = await endOf(`first ${'x'.repeat(100_000)} last`);
  expect(told).toMatch(/x last$/u);
  expect(told.length).toBeLessThan(4200);
  expect(await endOf('')).toBe(`${process.execPath} ended with exit code 3`);
});
