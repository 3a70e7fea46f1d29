import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, jest } from '@jest/globals';
import type { Storage, StreamState } from '@dataref/core';
import type { ObjectStore } from '@dataref/core/store';

const METHODS = ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const;

/** Looks for secrets in what it is given, and in all that this file's tests show. */
export function searchFor(secrets: readonly string[]) {
  /** Everything that was shown: on the console and by the process itself. */
  const shown: unknown[] = [];
  beforeAll(() => {
    for (const method of METHODS)
      jest.spyOn(console, method).mockImplementation((...items: unknown[]) => void shown.push(...items));
    for (const stream of [process.stdout, process.stderr]) {
      const write = stream.write.bind(stream);
      jest.spyOn(stream, 'write').mockImplementation((...items: Parameters<typeof write>) => {
        shown.push(String(items[0]));
        return write(...items);
      });
    }
  });
  afterAll(() => void jest.restoreAllMocks());

  /** Fails where anything that was given, to any depth and hidden properties too, has a secret in it. */
  const expectNoSecret = (what: string, ...values: readonly unknown[]): void => {
    for (const value of values) {
      const text = [
        inspect(value, { depth: Infinity, showHidden: true, maxArrayLength: null, maxStringLength: null }),
        Object(value) === value ? JSON.stringify(value) : String(value),
        String((value as { stack?: unknown } | undefined)?.stack),
      ].join('\n');
      const found = secrets.filter((secret) => text.toLowerCase().includes(secret.toLowerCase()));
      expect({ what, found }).toEqual({ what, found: [] });
    }
  };

  return {
    expectNoSecret,
    expectNoneShown: () => expectNoSecret('the console', ...shown),

    /** Fails where a secret is in what an empty storage gives, in states, in what it stores and in what it shows of itself. */
    expectNoneWhereAllIsWell: async (storage: Storage, store: ObjectStore): Promise<void> => {
      const { given, thrown } = await useAll(storage);
      expect(thrown).toEqual([]);
      expectNoSecret('results', ...given);
      await storage.submit([{ x: 1 }], 'b', '1');
      let objects = 0;
      for await (const { key } of store.list('')) {
        objects++;
        const bytes = (await store.get(key, 2 ** 20))?.bytes;
        expectNoSecret(key, key, Buffer.from(bytes as Uint8Array).toString('latin1'));
      }
      expect(objects).toBeGreaterThan(1);
      const itself = [inspect(storage), inspect(store), JSON.stringify([storage, store]), store.description];
      expectNoSecret('what the storage shows', ...itself);
      expectNoSecret('the console', ...shown);
    },
  };
}

/** Every way to use a storage: what each gives or throws. */
export async function useAll(storage: Storage): Promise<{ given: unknown[]; thrown: unknown[] }> {
  const given: unknown[] = [];
  const thrown: unknown[] = [];
  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    await work().then(
      (result) => given.push(result),
      (error: unknown) => thrown.push(error),
    );
  };
  await attempt(() => storage.submit([{ x: 1 }, { x: 2 }], 'a', '1'));
  await attempt(() => storage.info('a', '1'));
  await attempt(() => storage.has('a', '1'));
  await attempt(async () => {
    for await (const info of storage.list()) given.push(info);
  });
  await attempt(async () => {
    const dataref = await storage.fetch('a', '1');
    given.push(inspect(dataref, { depth: 0 }));
    const states: StreamState[] = [];
    for await (const batch of dataref.stream({ shuffle: true, shuffleSeed: 1 }).batch(1)) states.push(batch.state);
    return states;
  });
  await attempt(() => storage.verify('a', '1'));
  await attempt(() => storage.vacuum());
  await attempt(() => storage.delete('a', '1'));
  return { given, thrown };
}
