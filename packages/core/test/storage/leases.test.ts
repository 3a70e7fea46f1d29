import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileStorage } from '@dataref/core/fs';
import { thisProcess } from '../../dist/store/process-identity.js';
import { takeLease } from '../../dist/storage/lease.js';
import { FileStore } from '../../dist/store/file-store.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import { listing, tempFolder } from '../temp-folder.js';
import { changed, storageOver } from './stored.js';

const self = thisProcess();
const now = Date.now();
const hour = 3600_000;
const SHORT = { beatMs: 20, leaseMs: 100 };

/** The number of a process that has ended. */
const deadPid = Number(spawnSync(process.execPath, ['-p', 'process.pid']).stdout);

const WRITERS: [string, unknown, 'kept' | 'removed'][] = [
  ['of this very process', { writer: self, beatMs: now }, 'kept'],
  ['of this process, silent for an hour, as one that is stopped', { writer: self, beatMs: now - hour }, 'kept'],
  ['of a process that has ended', { writer: { ...self, pid: deadPid }, beatMs: now }, 'removed'],
  ['of a process whose number another has now', { writer: { ...self, startTicks: 1 }, beatMs: now }, 'removed'],
  ['of another host, heard of just now', { writer: { ...self, host: 'elsewhere' }, beatMs: now }, 'kept'],
  ['of another host, silent for an hour', { writer: { ...self, host: 'elsewhere' }, beatMs: now - hour }, 'removed'],
  ['of nobody, an hour ago', { beatMs: now - hour }, 'removed'],
  ['that is null', null, 'removed'],
  ['with a process number below 1', { writer: { ...self, pid: -1 }, beatMs: now - hour }, 'removed'],
  ['with a time that is none', { writer: { host: 'elsewhere' }, beatMs: 'soon' }, 'removed'],
];

describe('vacuum and the leases of writers', () => {
  test.each(WRITERS)('a generation with a lease %s', async (_, lease, fate) => {
    const folder = tempFolder();
    // What is kept is known at once, without a watch.
    const storage = storageOver(new FileStore(folder), fate === 'removed' ? { leaseTimes: SHORT } : {});
    await storage.submit([1, 2], 'x', '1');
    const kept = listing(folder);
    const generation = join(folder, 'x/1/data/00000000000000aa');
    mkdirSync(generation);
    writeFileSync(join(generation, '00000000.arrow'), 'half of a part');
    writeFileSync(join(generation, 'writer.json'), JSON.stringify(lease));
    const beatMs = (lease as { beatMs?: unknown } | null)?.beatMs;
    const old = (typeof beatMs === 'number' ? beatMs : now - hour) / 1000;
    utimesSync(join(generation, 'writer.json'), old, old);
    await storage.vacuum(); // a dead writer's work needs no time of grace
    expect(existsSync(generation)).toBe(fate === 'kept');
    if (fate === 'removed') expect(listing(folder)).toEqual(kept.filter((path) => path !== '.tmp~/'));
    expect((await storage.verify('x', '1')).ok).toBe(true);
  });

  test.each([
    ['cut short', '{"writer":'],
    ['far too long', 'x'.repeat(100_000)],
    ['empty', ''],
  ])('a lease that is %s counts by its age alone', async (_, text) => {
    const folder = tempFolder();
    const storage = new FileStorage(folder);
    await storage.submit([1], 'x', '1');
    const generation = join(folder, 'x/1/data/00000000000000aa');
    mkdirSync(generation);
    writeFileSync(join(generation, 'writer.json'), text);
    await storage.vacuum({ graceMs: 0 });
    expect(existsSync(generation)).toBe(true);
    utimesSync(join(generation, 'writer.json'), now / 1000 - 3600, now / 1000 - 3600);
    await storageOver(new FileStore(folder), { leaseTimes: SHORT }).vacuum();
    expect(existsSync(generation)).toBe(false);
  });

  test('a wrong clock on the writer does not make it look dead', async () => {
    const folder = tempFolder();
    const generation = join(folder, 'x/1/data/00000000000000aa');
    mkdirSync(generation, { recursive: true });
    const lease = { writer: { ...self, host: 'elsewhere' }, beatMs: now - 24 * hour };
    writeFileSync(join(generation, 'writer.json'), JSON.stringify(lease));
    await new FileStorage(folder).vacuum({ graceMs: 0 });
    expect(existsSync(generation)).toBe(true);
  });

  test('the lease of a writer that was killed just after its commit is removed, the dataset kept', async () => {
    const folder = tempFolder();
    const storage = new FileStorage(folder);
    await storage.submit([1, 2], 'x', '1');
    const [part] = listing(folder).filter((path) => path.endsWith('.arrow')) as [string];
    const lease = join(folder, part, '../writer.json');
    writeFileSync(lease, JSON.stringify({ writer: { ...self, pid: deadPid }, beatMs: now }));
    await storage.vacuum();
    expect(existsSync(lease)).toBe(false);
    expect((await storage.verify('x', '1')).ok).toBe(true);
  });

  test('a replaced dataset is kept for the time of grace, and a writer of today beside an old dataset always', async () => {
    const folder = tempFolder();
    const storage = new FileStorage(folder);
    await storage.submit([1], 'x', '1');
    const old = await storage.fetch('x', '1');
    await storage.submit([2], 'x', '1');
    expect(await storage.vacuum()).toEqual({ bytesFreed: 0 });
    expect(await old.at(0)).toBe(1);
    expect((await storage.vacuum({ graceMs: 0 })).bytesFreed).toBeGreaterThan(100);
    await expect((await storage.fetch('x', '1')).at(0)).resolves.toBe(2);
  });

  test('empty folders that a killed writer left are removed', async () => {
    const folder = tempFolder();
    const storage = new FileStorage(folder);
    for (const path of ['a', 'b/1', 'c/1/data', 'd/1/data/00000000000000aa'])
      mkdirSync(join(folder, path), { recursive: true });
    await storage.vacuum();
    expect(listing(folder)).toEqual([]);
  });

  test('temp files of ended processes are removed, those of living ones kept', async () => {
    const folder = tempFolder();
    const store = new FileStore(folder);
    const workshop = join(folder, '.tmp~');
    const writer = await store.create('a/k');
    await writer.write(new Uint8Array(10));
    const name = (owner: unknown) => `0011223344556677.${Buffer.from(JSON.stringify(owner)).toString('base64url')}`;
    const { host, pid, startTicks } = self;
    const files: [string, unknown, number, boolean][] = [
      ['dead', [host, deadPid, startTicks], 0, false],
      ['recycled', [host, pid, 1], 0, false],
      ['alive', [host, pid, startTicks], 48 * hour, true],
      ['elsewhere, new', ['elsewhere', 1, 1], hour, true],
      ['elsewhere, old', ['elsewhere', 1, 2], 48 * hour, false],
    ];
    for (const [, owner, ageMs] of files) {
      writeFileSync(join(workshop, name(owner)), '12345');
      utimesSync(join(workshop, name(owner)), (now - ageMs) / 1000, (now - ageMs) / 1000);
    }
    writeFileSync(join(workshop, 'of nobody'), '12345');
    expect(await store.sweep()).toBe(15);
    for (const [, owner, , isKept] of files) expect(existsSync(join(workshop, name(owner)))).toBe(isKept);
    expect(existsSync(join(workshop, 'of nobody'))).toBe(true);
    await writer.commit();
    expect(readFileSync(join(folder, 'a/k'))).toHaveLength(10);
  });
});

describe('a writer and its lease', () => {
  const identity = { self: () => self, isRunning: () => undefined };

  test('is refused its commit when a vacuum took it for dead, so that no dataset lacks parts', async () => {
    const store = new MemoryStore();
    const storage = storageOver(store);
    await storage.submit(['old'], 'x', '1');
    async function* suspended() {
      yield 'new';
      for await (const { key } of store.list('x/1/data/')) if (key.endsWith('writer.json')) await store.delete(key);
    }
    await expect(storage.submit(suspended(), 'x', '1')).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringMatching(/writer\.json is gone.*submit again/u),
    });
    expect(await (await storage.fetch('x', '1')).at(0)).toBe('old');
    expect((await storage.verify('x', '1')).ok).toBe(true);
  });

  test('gives it up when it is done, and a failure to do so does not undo the commit', async () => {
    const store = new MemoryStore();
    const failing = changed(store, {
      async delete(key) {
        if (key.endsWith('writer.json')) throw Object.assign(new Error('EACCES'), { code: 'EACCES' });
        return store.delete(key);
      },
    });
    await storageOver(failing).submit(['new'], 'x', '1');
    const storage = storageOver(store);
    expect(await (await storage.fetch('x', '1')).at(0)).toBe('new');
    expect((await storage.verify('x', '1')).ok).toBe(true);
  });

  test('whose commit fails after it came to pass keeps its dataset whole', async () => {
    const store = new MemoryStore();
    const failing = changed(store, {
      async put(key, bytes, options) {
        const isPut = await store.put(key, bytes, options);
        if (key.endsWith('dataset.json')) throw new Error('the answer was lost');
        return isPut;
      },
    });
    await expect(storageOver(failing).submit(['new'], 'x', '1')).rejects.toThrow('the answer was lost');
    const storage = storageOver(store);
    expect(await (await storage.fetch('x', '1')).at(0)).toBe('new');
    expect((await storage.verify('x', '1')).ok).toBe(true);
  });

  test('is heard of again and again, and no more once it was released', async () => {
    const { jest } = await import('@jest/globals');
    jest.useFakeTimers();
    try {
      const store = new MemoryStore();
      const lease = await takeLease(store, 'x/1/data/g/', identity);
      const beat = async () =>
        JSON.parse(new TextDecoder().decode((await store.get('x/1/data/g/writer.json', 9999))?.bytes)).beatMs as number;
      const first = await beat();
      await jest.advanceTimersByTimeAsync(12_000);
      expect(await beat()).toBe(first + 11_000); // what takes less than a second has no beats at all
      await lease.check();
      await lease.release();
      await jest.advanceTimersByTimeAsync(60_000);
      expect(await store.head('x/1/data/g/writer.json')).toBeUndefined();
    } finally {
      jest.useRealTimers();
    }
  });

  test('whose lease was taken away does not take it back', async () => {
    const { jest } = await import('@jest/globals');
    jest.useFakeTimers();
    try {
      const store = new MemoryStore();
      const lease = await takeLease(store, 'x/1/data/g/', identity);
      await store.delete('x/1/data/g/writer.json');
      await jest.advanceTimersByTimeAsync(30_000);
      await expect(lease.check()).rejects.toMatchObject({ code: 'STORE_FAILED' });
    } finally {
      jest.useRealTimers();
    }
  });
});

test.each([1, 2])(
  'a lease whose answer is damaged %i times after the commit costs nobody a dataset unnoticed',
  async (times) => {
    const store = new MemoryStore();
    let left = 0;
    const put: MemoryStore['put'] = async (key, ...rest) => {
      const version = await store.put(key, ...rest);
      if (key.endsWith('dataset.json')) left = times;
      return version;
    };
    const get: MemoryStore['get'] = async (key, ...rest) => {
      const held = await store.get(key, ...rest);
      if (held === undefined || !key.endsWith('writer.json') || left-- <= 0) return held;
      return { ...held, bytes: held.bytes.map((byte, i) => (i === 12 ? byte ^ 1 : byte)) };
    };
    const members = { put, get } as Record<string | symbol, unknown>;
    const damaging = new Proxy(store, {
      get: (target, name) => {
        const member = members[name] ?? (Reflect.get(target, name, target) as unknown);
        return typeof member === 'function' && !(name in members) ? member.bind(target) : member;
      },
    });
    const answer = await storageOver(damaging)
      .submit([1, 2], 'x', '1')
      .then(
        () => 'submitted',
        (error: { code: string }) => error.code,
      );
    expect(answer).toBe(times === 1 ? 'submitted' : 'STORE_FAILED');
    expect(await storageOver(store).has('x', '1')).toBe(times === 1);
  },
);
