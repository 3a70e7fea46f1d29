import { expect, test } from '@jest/globals';
import { fromRecords, isDataRefError } from '@dataref/core';
import { ObjectStorage, withCoalescing, withRetry, type ObjectStore } from '@dataref/core/store';
import { announceSeed, randomOf, runs } from '../../packages/core/test/scale.js';
import type { Server } from '../../packages/core/test/servers/servers.js';
import { readEpoch, records, storeDataset } from './dataset.js';
import { FaultProxy } from './fault-proxy.js';
import { randomFaults } from './random-faults.js';
import type { Backend, Place } from './places.js';
import { patienceMs } from './patience.js';
import { within } from './within.js';

const LIMIT_MS = 120_000;
/** At once: most of a schedule's time is waiting. */
const PARALLEL = 8;
/** Of a backend that writes. */
const SUBMITS = runs(40);

/** Claims about whole operations under faults drawn at random. */
export function scheduleTests(backend: Backend, server: Server): void {
  const count = runs(backend.schedules);
  test(`an epoch has every record once, and right, whatever goes wrong on the way: ${count} schedules`, () =>
    epochs(backend, server, count));
  if (backend.canWrite)
    test(`a submit is whole, or an error and not there, whatever goes wrong on the way: ${SUBMITS} schedules`, () =>
      submits(backend, server));
}

/** Runs schedules side by side, each with a proxy of its own. */
async function eachSchedule(
  backend: Backend,
  server: Server,
  count: number,
  run: (schedule: number, proxy: FaultProxy, random: () => number, idleMs: number) => Promise<void>,
): Promise<void> {
  const seed = announceSeed(`faults, ${backend.name}`);
  const plain = await FaultProxy.start(server.port);
  const idleMs = await patienceMs(await backend.newPlace(server), plain.port);
  await plain.close();
  let next = 0;
  let spoiled = 0;
  const work = async (): Promise<void> => {
    for (let schedule = next++; schedule < count; schedule = next++) {
      const random = randomOf(seed + schedule);
      const proxy = await FaultProxy.start(server.port);
      try {
        proxy.faultOf = randomFaults(random, 0.05 + 0.25 * random());
        await within(LIMIT_MS, run(schedule, proxy, random, idleMs));
      } catch (error) {
        const told = proxy.requests.map(
          ({ method, url, range, fault }) => `${method} ${url} ${range}: ${JSON.stringify(fault)}`,
        );
        throw new Error(`schedule ${seed + schedule}: ${String(error)}\n${told.join('\n')}`, { cause: error });
      } finally {
        spoiled += proxy.requests.filter(({ fault }) => fault !== undefined).length;
        await proxy.close();
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  if (count >= 20) expect(spoiled).toBeGreaterThan(count / 4); // a few schedules may have none at all
}

function farStore(place: Place, proxy: FaultProxy, idleMs: number): ObjectStore {
  const limits = { attempts: 100, budgetMs: 60_000, baseDelayMs: 1, maxDelayMs: 10 };
  return withCoalescing(withRetry(place.through(proxy.port, idleMs), limits), { gapBytes: 300, maxBytes: 3000 });
}

async function epochs(backend: Backend, server: Server, count: number): Promise<void> {
  const place = await backend.newPlace(server);
  await storeDataset(place.direct);
  await eachSchedule(backend, server, count, async (schedule, proxy, random, idleMs) => {
    // By position, and loaded into memory while it goes.
    const memoryLimitBytes = schedule % 2 === 0 ? 0 : 2 ** 24;
    await readEpoch(farStore(place, proxy, idleMs), memoryLimitBytes, random);
  });
}

async function submits(backend: Backend, server: Server): Promise<void> {
  let failed = 0;
  await eachSchedule(backend, server, SUBMITS, async (schedule, proxy, random, idleMs) => {
    const place = await backend.newPlace(server);
    // With few attempts some submits must fail, and be seen by nobody.
    const attempts = schedule % 3 === 0 ? 2 : 100;
    const limits = { attempts, budgetMs: 60_000, baseDelayMs: 1, maxDelayMs: 10 };
    const storage = new ObjectStorage(withRetry(place.through(proxy.port, idleMs), limits));
    const some = records.slice(0, 1 + Math.floor(random() * records.length));
    const error = await storage.submit(await fromRecords(some), 'a', '1', { ifExists: 'error' }).then(
      () => undefined,
      (thrown: unknown) => thrown ?? new Error('nothing'),
    );
    if (error !== undefined && !isDataRefError(error)) throw error;
    if (error !== undefined && attempts === 100) throw error;
    const plain = new ObjectStorage(place.direct);
    const isThere = await plain.has('a', '1');
    if (error !== undefined) failed++;
    if (error === undefined && !isThere) throw new Error('submitted, and not there');
    if (!isThere) return;
    // Whole, also where it is the answer to the commit itself that nobody could hear.
    const { ok, problems } = await plain.verify('a', '1');
    const dataset = await plain.fetch('a', '1');
    if (!ok || dataset.length !== some.length) throw new Error(`it is there, and not whole: ${problems.join()}`);
    const rows = await dataset.read(some.map((_, i) => i));
    for (const [i, { label, text }] of (rows.records() as unknown as typeof records).entries())
      if (label !== some[i]?.label || text !== some[i]?.text) throw new Error(`record ${i} is wrong`);
  });
  console.info(`${backend.name}: ${failed} of ${SUBMITS} submits failed`);
}
