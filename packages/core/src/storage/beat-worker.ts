// The thread that keeps leases alive. It knows no more of them than how to swap them.
import { parentPort } from 'node:worker_threads';
import type { ObjectStore, StoreRecipe } from '../store/object-store.js';
import type { BeatAnswer, BeatRequest } from './beat-thread.js';
import { startBeats, type Beats } from './beats.js';

const port = parentPort as NonNullable<typeof parentPort>;
const stores = new Map<number, ObjectStore>();
const beating = new Map<number, Beats>();

async function storeOf({ module, data }: StoreRecipe): Promise<ObjectStore> {
  const { openStore } = (await import(module)) as { openStore: (data: unknown) => ObjectStore | Promise<ObjectStore> };
  return openStore(data);
}

async function obey(request: BeatRequest): Promise<void> {
  const { id } = request;
  if (request.kind === 'recipe') {
    stores.set(id, await storeOf(request.recipe));
  } else if (request.kind === 'start') {
    const tell = () => port.postMessage({ missed: id } satisfies BeatAnswer);
    beating.set(
      id,
      startBeats(() => stores.get(id) as ObjectStore, request.lease, request.beatMs, tell),
    );
  } else {
    await beating.get(id)?.stop();
    beating.delete(id);
    stores.delete(id);
    port.postMessage({ stopped: id } satisfies BeatAnswer);
  }
}

// One after another, so that a store is there before it is used. A recipe that makes none ends the thread.
let last: Promise<void> = Promise.resolve();
port.on('message', (request: BeatRequest) => {
  last = last.then(() => obey(request));
});
