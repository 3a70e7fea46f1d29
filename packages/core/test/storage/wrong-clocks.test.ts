import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Progress } from '@dataref/core';
import { claim } from '../../dist/storage/claim.js';
import { leaseKey, newRecord, readLease } from '../../dist/storage/lease-record.js';
import { LeaseWatch } from '../../dist/storage/lease-watch.js';
import { FileStore } from '../../dist/store/file-store.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import type { ObjectStore } from '../../dist/store/object-store.js';
import { tempFolder } from '../temp-folder.js';
import { changed, keysOf, storageOver } from './stored.js';

const HOUR_MS = 3600_000;
const LEASE_MS = 1_000;
const leaseTimes = { beatMs: 100, leaseMs: LEASE_MS };
/** As if every writer, this process too, were of another host. Beats come from a thread, whose clock stays right. */
const elsewhere = { leaseTimes, isRunning: () => undefined };
const dead = { host: 'elsewhere-0123456789abcdef', pid: 7, startTicks: 1 };

const now = Date.now.bind(Date);
const setClockAhead = () => void jest.spyOn(Date, 'now').mockImplementation(() => now() + HOUR_MS);
afterEach(() => void jest.restoreAllMocks());

const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Waits until the thread that beats is at work. */
async function firstBeat(store: ObjectStore, key: string): Promise<void> {
  while (((await readLease(store, key))?.record.beat ?? 0) === 0) await sleep(20);
}

async function leaveUnfinished(store: ObjectStore, dataset: string, generation: string): Promise<void> {
  const folder = `${dataset}/1/data/${generation}/`;
  await store.put(leaseKey(folder), bytesOf(newRecord(dead, 1)));
  await store.put(`${folder}00000000.arrow`, new Uint8Array(1000));
}

describe('a vacuum whose clock is an hour ahead', () => {
  test('spares a writer of another host that lives, and takes what one left that is dead', async () => {
    const store = new FileStore(tempFolder());
    await storageOver(store).vacuum(); // loads what the next one needs
    await leaveUnfinished(store, 'x', 'ffffffffffffffff');
    // Beats so seldom that a vacuum that does not wait for one would have taken the lease.
    const options = {
      ...elsewhere,
      leaseTimes: { beatMs: 700, leaseMs: 2 * LEASE_MS },
      nonce: () => '00000000000000aa',
    };
    let freed: unknown;
    async function* records() {
      yield 'one';
      await firstBeat(store, 'x/1/data/00000000000000aa/writer.json');
      setClockAhead();
      freed = await storageOver(store, options).vacuum({ graceMs: 0 });
      jest.restoreAllMocks();
      yield 'two';
    }
    const storage = storageOver(store, options);
    const written = await storage.submit(records(), 'x', '1');
    expect((await written.read([0, 1])).records()).toEqual(['one', 'two']);
    expect(await storage.verify('x', '1')).toEqual({ ok: true, problems: [] });
    expect((freed as { bytesFreed: number }).bytesFreed).toBeGreaterThan(1000);
    expect((await keysOf(store)).filter((key) => key.includes('ffffffffffffffff'))).toEqual([]);
  });

  test('watches all that may be dead at once, and says for whom it waits', async () => {
    const store = new MemoryStore();
    for (let i = 0; i < 40; i++)
      for (const generation of ['00000000000000aa', '00000000000000bb'])
        await leaveUnfinished(store, `x${i}`, generation);
    await storageOver(store).submit(['kept'], 'kept', '1');
    setClockAhead();
    const seen: Progress[] = [];
    const startMs = performance.now();
    await storageOver(store, elsewhere).vacuum({ onProgress: (progress) => void seen.push(progress) });
    const tookMs = performance.now() - startMs;
    expect(tookMs).toBeGreaterThanOrEqual(LEASE_MS);
    expect(tookMs).toBeLessThan(4 * LEASE_MS);
    expect((await keysOf(store)).every((key) => key.startsWith('kept/'))).toBe(true);
    const waits = seen.filter(({ phase }) => phase === 'wait');
    expect(waits.map(({ waitingFor }) => waitingFor)).toEqual([{ host: 'elsewhere', pid: 7 }]);
    expect(seen.filter(({ phase }) => phase === 'vacuum').map(({ done }) => done)).toEqual(
      Array.from({ length: 41 }, (_, i) => i + 1),
    );
  });

  test('is aborted while it watches', async () => {
    const store = new MemoryStore();
    await leaveUnfinished(store, 'x', '00000000000000aa');
    const before = await keysOf(store);
    setClockAhead();
    const controller = new AbortController();
    const { signal } = controller;
    const onProgress = ({ phase }: Progress) => void (phase === 'wait' && controller.abort(new Error('enough')));
    await expect(storageOver(store).vacuum({ signal, onProgress })).rejects.toThrow('enough'); // of 60 s
    expect(await keysOf(store)).toEqual(before);
  });
});

test('a sweep whose clock is a week ahead spares what another host is writing', async () => {
  const folder = tempFolder();
  const store = new FileStore(folder);
  await store.put('k', new Uint8Array(1));
  const owner = Buffer.from(JSON.stringify([dead.host, dead.pid, dead.startTicks])).toString('base64url');
  const [young, old] = ['0', '1'].map((digit) => join(folder, '.tmp~', `${digit.repeat(16)}.${owner}`)) as [
    string,
    string,
  ];
  for (const path of [young, old]) writeFileSync(path, '12345');
  utimesSync(old, new Date(now() - 48 * HOUR_MS), new Date(now() - 48 * HOUR_MS));
  jest.spyOn(Date, 'now').mockImplementation(() => now() + 168 * HOUR_MS);
  expect(await store.sweep()).toBe(5);
  expect([existsSync(young), existsSync(old)]).toEqual([true, false]);
  expect(readdirSync(join(folder, '.tmp~')).filter((name) => !young.endsWith(name))).toEqual([]);
});

test('a delete leaves a writer of another host that may live to the next vacuum, and does not wait', async () => {
  const store = new MemoryStore();
  const storage = storageOver(store, elsewhere);
  await storage.submit([1], 'x', '1');
  await leaveUnfinished(store, 'x', '00000000000000aa');
  setClockAhead();
  expect(await storageOver(store).delete('x', '1')).toBe(true);
  expect(await keysOf(store)).toEqual([
    'x/1/data/00000000000000aa/00000000.arrow',
    'x/1/data/00000000000000aa/writer.json',
  ]);
  await storage.vacuum();
  expect(await keysOf(store)).toEqual([]);
});

describe('one whose clock is an hour ahead, or behind, claims a lease', () => {
  const claimant = { identity: { self: () => 'another', isRunning: () => undefined }, leaseTimes };

  test.each([
    ['ahead', HOUR_MS],
    ['behind', -HOUR_MS],
  ])('%s: of a holder that is dead once it was watched, of one that lives never', async (_, offMs) => {
    const store = new FileStore(tempFolder());
    await store.put('dead', bytesOf(newRecord(dead, 1)));
    const living = await claim(store, 'living', claimant, new LeaseWatch(leaseTimes));
    await firstBeat(store, 'living');
    jest.spyOn(Date, 'now').mockImplementation(() => now() + offMs);
    const watch = new LeaseWatch(leaseTimes);
    const startMs = performance.now();
    let taken = await claim(store, 'dead', claimant, watch);
    for (; taken === undefined; await sleep(50)) {
      expect(await claim(store, 'living', claimant, watch)).toBeUndefined();
      taken = await claim(store, 'dead', claimant, watch);
    }
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(LEASE_MS);
    expect(await claim(store, 'living', claimant, watch)).toBeUndefined();
    expect(await living?.isHeld()).toBe(true);
    await Promise.all([living?.release(), taken.release()]);
  });
});

describe('a copy whose clock is an hour ahead', () => {
  const records = ['one', 'two'];
  const source = async () => {
    const storage = storageOver(new MemoryStore());
    await storage.submit(records, 'x', '1');
    return storage;
  };

  test('does not take what another is at, which commits', async () => {
    const storage = await source();
    const store = new FileStore(tempFolder());
    let other: unknown;
    const slow = changed(store, {
      recipe: () => store.recipe(),
      async create(key, options) {
        if (other === undefined) {
          other = null;
          await firstBeat(store, 'x/1/data/00000000000000aa/writer.json');
          setClockAhead();
          other = await storage.copy('x', '1', storageOver(store, elsewhere));
          jest.restoreAllMocks();
        }
        return store.create(key, options);
      },
    });
    const to = storageOver(slow, { ...elsewhere, nonce: () => '00000000000000aa' });
    const copied = await storage.copy('x', '1', to);
    expect((await copied.read([0, 1])).records()).toEqual(records);
    expect(other).toBeTruthy();
    expect(await to.verify('x', '1')).toEqual({ ok: true, problems: [] });
  });

  test('goes on with what one left that is dead, once it was watched', async () => {
    const storage = await source();
    const store = new MemoryStore();
    const failing = changed(store, {
      async put(key, bytes, options) {
        if (key.endsWith('dataset.json')) throw new Error('killed');
        return store.put(key, bytes, options);
      },
    });
    await expect(storage.copy('x', '1', storageOver(failing, elsewhere))).rejects.toThrow('killed');
    const [key] = (await keysOf(store)).filter((path) => path.endsWith('writer.json')) as [string];
    const left = (await readLease(store, key))!.record;
    await store.put(key, bytesOf({ ...left, writer: dead, isReleased: false, beatMs: now() }));
    setClockAhead();
    const created: string[] = [];
    const counting = changed(store, {
      create: (path, options) => (created.push(path), store.create(path, options)),
    });
    const phases: string[] = [];
    const onProgress = ({ phase }: Progress) => void phases.push(phase);
    const copied = await storage.copy('x', '1', storageOver(counting, elsewhere), { onProgress });
    expect((await copied.read([0, 1])).records()).toEqual(records);
    expect(created).toEqual([]);
    expect(phases[0]).toBe('wait');
  });
});
