import { PassThrough } from 'node:stream';
import { expect, jest, test } from '@jest/globals';
import * as fc from 'fast-check';
import { listen, READY, say } from '../../dist/send/hardware/protocol.js';
import { announceSeed, runs } from '../../../core/test/scale.js';

const seed = announceSeed('catalog/send/protocol');
const HEADER_BYTES = 8;

/** Hears bytes that come in pieces. @param cuts where they are cut */
async function heard(bytes: Buffer, cuts: readonly number[], isAfterReady: boolean) {
  const frames: number[][] = [];
  const input = new PassThrough();
  let ready = 0;
  listen(input, (frame) => frames.push(Array.from(frame)), isAfterReady ? () => ready++ : undefined);
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  for (const [i, start] of [0, ...ends].entries()) {
    input.write(bytes.subarray(start, ends[i] ?? bytes.length));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { frames, ready, isEnded: input.destroyed };
}

test('frames are heard as they were said, in whatever pieces they come, and after whatever a login script prints', async () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 });
  const greeting = fc.oneof(
    fc.string().map((text) => Buffer.from(text)),
    fc.nat({ max: READY.length - 1 }).map((n) => READY.subarray(0, n)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(bytes), fc.option(greeting), fc.array(fc.nat()), async (said, before, cuts) => {
      const output = new PassThrough();
      if (before !== null) output.write(Buffer.concat([before, READY]));
      for (const each of said) say(output, each);
      const isAfterReady = before !== null;
      expect(await heard((output.read() as Buffer | null) ?? Buffer.alloc(0), cuts, isAfterReady)).toEqual({
        frames: said.map((each) => Array.from(each)),
        ready: isAfterReady ? 1 : 0,
        isEnded: false,
      });
    }),
    { seed, numRuns: runs(1000) },
  );
});

test.each([0n, 2n ** 32n + 1n, 2n ** 64n - 1n])('a frame of %d bytes is none, and ends the input', async (length) => {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeBigUInt64LE(length);
  expect(await heard(header, [], false)).toMatchObject({ frames: [], isEnded: true });
});

test('a frame that there is no memory for ends the input, and not the process', async () => {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeBigUInt64LE(2n ** 32n - 1n);
  const allocating = jest.spyOn(Buffer, 'allocUnsafeSlow').mockImplementationOnce(() => {
    throw new RangeError('Array buffer allocation failed');
  });
  expect(await heard(header, [], false)).toMatchObject({ frames: [], isEnded: true });
  expect(allocating).toHaveBeenCalledTimes(1);
  allocating.mockRestore();
});
