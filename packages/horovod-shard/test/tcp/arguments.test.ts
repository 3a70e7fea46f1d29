import { expect, test } from '@jest/globals';
import { runElastic } from '@dataref/horovod-shard/elastic';
import { openTcp } from '@dataref/horovod-shard/tcp';

const invalid = (message: RegExp) => ({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });
const world = { rank: 0, size: 1 };

test.each([
  ['null', null, /openTcp: options must be an object, got null/u],
  [
    'an option that there is not',
    { world, adress: 'a:1' },
    /openTcp: unknown option "adress"; there are world, address,/u,
  ],
  ['a world that is none', { world: null }, /world: expected a rank from 0 below the size/u],
  ['a rank beyond its world', { world: { rank: 2, size: 2 } }, /got rank 2 of 2/u],
  ['an address that is no text', { world: { rank: 0, size: 2 }, address: 29600 }, /address: expected host:port/u],
  ['a secret that is no text', { world, secret: 12345 }, /secret: expected a string$/u],
  ['a time that is no number', { world, timeoutMs: '9' }, /timeoutMs: expected milliseconds/u],
  ['a signal that is none', { world, signal: {} }, /signal must be an AbortSignal/u],
])('openTcp refuses %s', async (_, options, message) => {
  await expect(openTcp(options as never)).rejects.toMatchObject(invalid(message));
});

test.each([
  ['null', null, /runElastic: options must be an object, got null/u],
  ['an option that there is not', { timeout: 1 }, /runElastic: unknown option "timeout"; there are timeoutMs, signal/u],
  ['a time that is no number', { timeoutMs: '9' }, /timeoutMs: expected milliseconds/u],
])('runElastic refuses %s', async (_, options, message) => {
  await expect(runElastic(async () => undefined, options as never)).rejects.toMatchObject(invalid(message));
});

test('runElastic refuses what does not train', async () => {
  await expect(runElastic({} as never)).rejects.toMatchObject(invalid(/a function that trains, got object/u));
});
