import { describe, expect, jest, test } from '@jest/globals';
import { FileStore } from '../../dist/store/file-store.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import type { ObjectStore } from '../../dist/store/object-store.js';
import { announceSeed, randomOf, scale } from '../scale.js';
import { tempFolder } from '../temp-folder.js';
import { type Call, CALLS, reason, storageOf } from './aborted-calls.js';
import { holding, type Loss } from './holding-store.js';
import { storageOver } from './stored.js';

jest.setTimeout(600_000);
const seed = announceSeed('storage/aborts');

/** After an abort a call that hangs may take a second to clean up; the rest is for a busy machine. Else it never ends. */
const PROMPTLY_MS = 30_000;

const bytesOf = async (store: ObjectStore) => (await store.get('x/1/dataset.json', 2 ** 20))?.bytes;

/** Nothing is asked for any more. */
async function isQuiet(count: () => number): Promise<void> {
  for (let seen = -1; seen !== count();) {
    seen = count();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const WANTED = { answer: reason, isPrompt: true, isAsItWas: true, isWhole: true };

async function abortedAt(at: number, inner: ObjectStore, { prepare, run }: Call, loss: Loss): Promise<typeof WANTED> {
  await prepare?.(inner);
  const { store, held, letGo, count } = holding(inner, at, loss);
  const controller = new AbortController();
  const called = run(storageOf(store), { signal: controller.signal }).then(
    () => 'ended',
    (error: unknown) => error,
  );
  // Where requests are made at once their number may differ.
  if ((await Promise.race([held, called])) !== undefined) return WANTED;
  const before = await bytesOf(inner);
  const begunMs = performance.now();
  controller.abort(reason);
  const answer = (await called) as Error;
  const isPrompt = performance.now() - begunMs < PROMPTLY_MS;
  letGo();
  await isQuiet(count);
  // Whatever goes on in the background commits, and takes back, nothing.
  const isAsItWas = isEqual(before, await bytesOf(inner));
  const isWhole = before === undefined || (await storageOver(inner).verify('x', '1')).ok;
  return { answer, isPrompt, isAsItWas, isWhole };
}

function isEqual(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0;
}

/** So many of the first numbers as the scale allows, at random; always the last ones, where the commit is. */
function sample(requests: number): number[] {
  const random = randomOf(seed);
  return Array.from({ length: requests }, (_, i) => i + 1).filter(
    (at) => at > requests - 3 || random() < (scale < 1 ? scale / 3 : 1),
  );
}

async function checkCall(open: () => ObjectStore, name: string, loss: Loss): Promise<void> {
  const call = CALLS[name] as Call;
  const requests = await requestsOf(open(), call);
  const check = async (at: number): Promise<void> => {
    const given = await abortedAt(at, open(), call, loss);
    expect({ name, at, ...given }).toEqual({ name, at, ...WANTED });
  };
  await Promise.all(sample(requests).map(check));
}

async function requestsOf(inner: ObjectStore, { prepare, run }: Call): Promise<number> {
  await prepare?.(inner);
  const { store, count } = holding(inner, 0, 'request');
  await run(storageOf(store), { signal: new AbortController().signal });
  return count();
}

describe.each<[string, () => ObjectStore]>([
  ['MemoryStore', () => new MemoryStore()],
  ['FileStore', () => new FileStore(tempFolder())],
])('over a %s that does not answer, and does not listen to the signal', (_, open) => {
  test.each<Loss>(['request', 'answer'])(
    'to a %s, an abort ends every call, and nothing is half done',
    async (loss) => {
      // All at once: each waits for a second.
      await Promise.all(Object.keys(CALLS).map((name) => checkCall(open, name, loss)));
    },
  );
});
