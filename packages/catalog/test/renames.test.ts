import { expect, jest, test } from '@jest/globals';
import { isDataRefError } from '@dataref/core';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { openCatalog, type Catalog } from '@dataref/catalog';
import { announceSeed, randomOf, runs } from '../../core/test/scale.js';

jest.setTimeout(600_000);
const random = randomOf(announceSeed('catalog/renames'));
const NAMES = ['a', 'b', 'c'];
const below = (n: number): number => Math.floor(random() * n);

/** A store as a process has it whose requests take their time, and that dies at one of them: before it is made, or after. */
function mortal(store: MemoryStore, requests: number): MemoryStore {
  let left = requests;
  const diesBefore = random() < 0.5;
  return new Proxy(store, {
    get(target, name: keyof MemoryStore) {
      const method = target[name] as unknown;
      if (typeof method !== 'function') return method;
      if (!['get', 'put', 'delete', 'head', 'create', 'open'].includes(name)) return method.bind(target) as unknown;
      return async (...args: never[]) => {
        for (let turns = below(6); turns > 0; turns--) await Promise.resolve();
        if (--left < 0 || (left === 0 && diesBefore)) throw new Error('killed');
        const answer = (await method.apply(target, args)) as unknown;
        if (left === 0) throw new Error('killed');
        return answer;
      };
    },
  });
}

interface Saves {
  /** Contents that were acknowledged, and such as may be there. */
  readonly done: Set<number>;
  readonly begun: Set<number>;
}

async function act(catalog: Catalog, { done, begun }: Saves): Promise<void> {
  for (let steps = 0; steps < 5; steps++) {
    const content = below(2 ** 30);
    try {
      if (random() < 0.5) await catalog.rename(NAMES[below(3)] as string, NAMES[below(3)] as string);
      else {
        begun.add(content);
        await catalog.saveBlob(NAMES[below(3)] as string, new Uint8Array(Uint32Array.of(content).buffer));
        done.add(content);
      }
    } catch (error) {
      if (isDataRefError(error, 'NOT_FOUND', 'ALREADY_EXISTS', 'INVALID_ARGUMENT')) continue;
      if (isDataRefError(error, 'STORE_FAILED') && /another process settled/u.test(error.message)) continue;
      if ((error as Error).message !== 'killed') throw error;
      return;
    }
  }
}

test('however saves and renames meet, and whichever process dies at any request, every save is in one history', async () => {
  for (let round = 0; round < runs(2_000); round++) {
    const store = new MemoryStore();
    const saves: Saves = { done: new Set(), begun: new Set() };
    const actors = Array.from({ length: 5 }, () =>
      act(openCatalog(new ObjectStorage(mortal(store, random() < 0.5 ? below(40) : 10_000))), saves),
    );
    await Promise.all(actors);
    const catalog = openCatalog(new ObjectStorage(store));
    await catalog.vacuum(); // settles what the dead have left
    const found: number[] = [];
    for (const name of NAMES) {
      if (!(await catalog.has(name))) continue;
      const versions = (await catalog.history(name)).map(({ version }) => version);
      expect(versions).toEqual([...new Set(versions)].sort((x, y) => x - y));
      for (const version of versions) {
        const bytes = await catalog.loadBlob(`${name}@${version}`);
        found.push(new Uint32Array(bytes.buffer)[0] as number);
      }
    }
    expect(new Set(found).size).toBe(found.length);
    expect([...saves.done].filter((content) => !found.includes(content))).toEqual([]);
    expect(found.filter((content) => !saves.begun.has(content))).toEqual([]);
  }
});
