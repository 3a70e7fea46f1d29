import type { ChildProcess } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { manifestKey } from '../../packages/core/dist/storage/manifests.js';
import { DatasetStorage } from '../../packages/core/dist/storage/dataset-storage.js';
import { decodeManifest } from '../../packages/core/dist/format/manifest.js';
import { nonce } from '../../packages/core/dist/store/nonce.js';
import type { ObjectStore } from '../../packages/core/dist/store/object-store.js';
import { isRunning, thisProcess } from '../../packages/core/dist/store/process-identity.js';
import { runs, scale } from '../../packages/core/test/scale.js';
import { client, count, expectServedTheSame, type EndedClient, type Said } from './clients.js';
import type { OpenStore } from './stores.js';

/** So short that a test sees many of them. On a busy machine a beat may come late: then a living builder is replaced. */
const SHORT = { beatMs: 500, leaseMs: 3_000 };
const AT_ONCE = scale < 1 ? 3 : 20;
const OF_EACH = scale < 1 ? 2 : 5;
/** The machine has few cores, and most of a round is waiting. */
const ROUNDS_AT_ONCE = 5;

/** The promises of `cacheable` over a store that several processes share. @param random says when builders are hit */
export function cacheableSuite(random: () => number, open: OpenStore): void {
  test(`${AT_ONCE} processes at once run the function once, and all get the same`, async () => {
    const { recipe, store } = await open();
    const clients = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, i) => client(recipe, `client ${i}`, { buildMs: 300, writeMs: 100 })),
    );
    expectServedTheSame(clients);
    expect([count(clients, 'begun'), count(clients, 'committed')]).toEqual([1, 1]);
    await expectNothingElse(store);
  });

  test(`${OF_EACH} readers and ${OF_EACH} writers: readers see the whole dataset or none`, async () => {
    const { recipe, store } = await open();
    const clients = await Promise.all(
      Array.from({ length: 2 * OF_EACH }, (_, i) =>
        client(recipe, `client ${i}`, { role: i % 2 === 0 ? 'read' : 'ask', buildMs: 200, writeMs: 300 }),
      ),
    );
    expectServedTheSame(clients);
    expect([count(clients, 'begun'), count(clients, 'committed')]).toEqual([1, 1]);
    await expectNothingElse(store);
  });

  test.each(['exit', 'throw', 'kill'] as const)(
    'clients that die while they build (%s) free the lease at once, long before it expires',
    async (how) => {
      const { recipe, store } = await open();
      const role = how === 'kill' ? 'ask' : how;
      const dying = await Promise.all(
        [0, 1].map((i) =>
          client(recipe, `dying ${i}`, { role, buildMs: how === 'kill' ? 600_000 : 200 }, ({ event }, child) => {
            if (how === 'kill' && event === 'begun') child.kill('SIGKILL');
          }),
        ),
      );
      expect(dying.every(({ said }) => said.every(({ event }) => event !== 'served'))).toBe(true);
      expect(count(dying, 'begun')).toBe(2);
      const last = await client(recipe, 'last', {});
      expect(expectServedTheSame([last])).toBe('last');
      await expectNothingElse(store);
    },
  );

  test('a builder whose event loop is blocked for longer than its lease keeps it', async () => {
    const { recipe, store } = await open();
    const begun = withResolvers();
    const builder = client(
      recipe,
      'builder',
      { role: 'block', leaseTimes: SHORT, buildMs: 5_000, writeMs: 4_000 },
      ({ event }) => event === 'begun' && begun.resolve(),
    );
    await begun.promise;
    const waiting = [0, 1].map((i) => client(recipe, `waiting ${i}`, { leaseTimes: SHORT }));
    const clients = await Promise.all([builder, ...waiting]);
    expect(expectServedTheSame(clients)).toBe('builder');
    expect([count(clients, 'begun'), count(clients, 'committed')]).toEqual([1, 1]);
    const [pid] = clients.flatMap(({ said }) => said.flatMap((one) => one.pid ?? []));
    expect(pid).toBeGreaterThan(0); // whom they waited for
    await expectNothingElse(store);
  });

  describe('of a builder that is hit at a random moment', () => {
    test('kill -9: one of the others builds; exactly one commit, all served the same', async () => {
      await rounds(runs(20), async (round) => {
        const clients = await contested(open, round, (child) => child.kill('SIGKILL'));
        expect(clients.filter(({ signal }) => signal === 'SIGKILL')).toHaveLength(1);
      });
    });

    test('SIGSTOP, and SIGCONT later: the zombie does not commit a second time, and is served like the others', async () => {
      await rounds(runs(20), async (round) => {
        const clients = await contested(open, round, (child) => {
          child.kill('SIGSTOP');
          // Before the lease expires, as the next one builds, or long after.
          setTimeout(() => child.kill('SIGCONT'), 1_000 + random() * 6_000);
        });
        expect(clients.every(({ code }) => code === 0)).toBe(true);
      });
    });
  });

  /** Three ask at once; whoever is the first to build is hit within the time of a build and its commit. */
  async function contested(from: OpenStore, round: number, hit: (child: ChildProcess) => void): Promise<EndedClient[]> {
    const { recipe, store } = await from();
    let isFirst = true;
    const hasHit = withResolvers();
    const onSaid = ({ event }: Said, child: ChildProcess): void => {
      // Nobody leaves before: a builder that is done sooner is hit all the same.
      if (event === 'served') void hasHit.promise.then(() => child.stdin?.end());
      if (event !== 'begun' || !isFirst) return;
      isFirst = false;
      setTimeout(() => {
        hit(child);
        hasHit.resolve();
      }, random() * 1_100);
    };
    const options = { leaseTimes: SHORT, buildMs: 300, writeMs: 400, staysUntilTold: true };
    const clients = await Promise.all([0, 1, 2].map((i) => client(recipe, `${round}.${i}`, options, onSaid)));
    const living = clients.filter(({ signal }) => signal === null);
    const by = expectServedTheSame(living);
    // One that is killed just after its commit may not have said so.
    const committed = clients.filter(({ said }) => said.some(({ event }) => event === 'committed'));
    expect(committed.map(({ name }) => name)).toEqual(
      living.some(({ name }) => name === by) ? [by] : [by].slice(0, committed.length),
    );
    await expectNothingElse(store);
    return clients;
  }
}

/** After a vacuum there is the one dataset, whole, and nothing of those who failed. */
async function expectNothingElse(store: ObjectStore): Promise<void> {
  const storage = new DatasetStorage({
    store,
    identity: { self: thisProcess, isRunning },
    budget: { limitBytes: 0, isExplicit: true, usedBytes: 0 },
    verifyReads: true,
    nonce,
  });
  expect(await storage.verify('x', '1')).toEqual({ ok: true, problems: [] });
  await storage.vacuum({ graceMs: 0 });
  const held = await store.get(manifestKey('x', '1'), 2 ** 20);
  const { generation } = decodeManifest(held?.bytes as Uint8Array, 'stored', 'x', '1');
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  expect(keys.sort()).toEqual([
    ...['arrow', 'head'].map((kind) => `x/1/data/${generation}/00000000.${kind}`),
    'x/1/dataset.json',
  ]);
}

async function rounds(total: number, round: (i: number) => Promise<void>): Promise<void> {
  for (let start = 0; start < total; start += ROUNDS_AT_ONCE) {
    const size = Math.min(ROUNDS_AT_ONCE, total - start);
    await Promise.all(Array.from({ length: size }, (_, i) => round(start + i)));
  }
}

function withResolvers() {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
