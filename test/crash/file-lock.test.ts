import { describe, expect, jest, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listing, run, script, tempFolder } from './process.js';
import { replaceLocked } from '../../packages/core/dist/store/file-lock.js';
import { FileStore } from '../../packages/core/dist/store/file-store.js';
import { thisProcess } from '../../packages/core/dist/store/process-identity.js';
import { lockName, workName } from '../../packages/core/dist/store/workshop.js';
import { announceSeed, randomOf, runs } from '../../packages/core/test/scale.js';

jest.setTimeout(600_000);
const random = randomOf(announceSeed('crash/file-lock'));

const bytes = (text: string) => new TextEncoder().encode(text);
const self = thisProcess();
const deadPid = Number(spawnSync(process.execPath, ['-p', 'process.pid']).stdout);
const nameOf = (host: string, pid: number) =>
  `${workName().slice(0, 16)}.${Buffer.from(JSON.stringify([host, pid, self.startTicks])).toString('base64url')}`;

/** A store with `k`, whose lock somebody holds. */
async function lockedBy(holder: string) {
  const folder = tempFolder();
  const store = new FileStore(folder);
  const version = (await store.put('k', bytes('old'))) as string;
  const lock = join(folder, '.tmp~', lockName('k'));
  mkdirSync(lock, { recursive: true });
  writeFileSync(join(lock, holder), 'what the holder would put');
  return { folder, store, version, lock };
}

const took = async (action: () => Promise<unknown>): Promise<number> => {
  const startMs = performance.now();
  await action();
  return performance.now() - startMs;
};

describe('processes that swap a counter', () => {
  test('lose no update, though they are killed at random moments', async () => {
    const folder = tempFolder();
    const store = new FileStore(folder);
    await store.put('a/counter', bytes('{"count":0}'));
    const times = Math.max(20, runs(200));

    const adder = async (i: number, isKilled: boolean) => {
      // Those that are killed would never end.
      const args = [script('counter.mjs'), folder, `adder ${i}`, String(isKilled ? Infinity : times)];
      const ended = await run(process.execPath, args, (line, child) => {
        if (isKilled && line === '3') setTimeout(() => child.kill('SIGKILL'), random() * 100);
      });
      expect([ended.code, ended.signal, ended.errors]).toEqual(isKilled ? [null, 'SIGKILL', ''] : [0, null, '']);
      return ended;
    };
    const killed = Math.max(4, runs(16));
    const ended = await Promise.all([
      ...[0, 1, 2, 3].map((i) => adder(i, false)),
      ...Array.from({ length: killed }, (_, i) => adder(i + 4, true)),
    ]);
    const told = ended.reduce((sum, { lines }) => sum + lines.length, 0);
    const { count } = JSON.parse(readFileSync(join(folder, 'a/counter'), 'utf8')) as { count: number };
    // One that was killed between its swap and telling of it has added one more than it told.
    expect(count).toBeGreaterThanOrEqual(told);
    expect(count).toBeLessThanOrEqual(told + killed);
    await store.sweep();
    expect(listing(folder)).toEqual(['a/counter']);
  });
});

describe('a lock', () => {
  test('of a process that has ended is broken at once', async () => {
    const times: number[] = [];
    for (let i = 0; i < 3; i++) {
      const { store, version, folder } = await lockedBy(nameOf(self.host, deadPid));
      times.push(await took(() => store.put('k', bytes('new'), { ifVersion: version })));
      expect(readFileSync(join(folder, 'k'), 'utf8')).toBe('new');
      expect(readdirSync(join(folder, '.tmp~'))).toEqual([]);
    }
    expect(Math.min(...times)).toBeLessThan(2_500); // a machine may stand still for a while
  });

  test.each([
    ['of a process of another host', nameOf('elsewhere', 1)],
    ['of a process that runs, and may have been stopped', nameOf(self.host, self.pid)],
    ['of nobody', 'what is this'],
  ])('%s is broken after its lease, not before', async (_, holder) => {
    const { store, version, folder } = await lockedBy(holder);
    expect(await took(() => store.put('k', bytes('new'), { ifVersion: version }))).toBeGreaterThan(2_900);
    expect(readFileSync(join(folder, 'k'), 'utf8')).toBe('new');
  });

  test('ends with the signal’s reason while it is waited for, and nothing is left of the one that waited', async () => {
    const { store, version, folder, lock } = await lockedBy(nameOf('elsewhere', 1));
    const reason = new Error('enough');
    const waiting = store.put('k', bytes('new'), { ifVersion: version, signal: AbortSignal.timeout(50) });
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' });
    await expect(store.put('k', bytes('new'), { ifVersion: version, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    expect(readdirSync(join(folder, '.tmp~'))).toEqual([lockName('k')]);
    expect(readdirSync(lock)).toHaveLength(1);
  });

  test('that was broken leaves its holder nothing to move: it begins anew, and sees what was put meanwhile', async () => {
    const folder = tempFolder();
    const store = new FileStore(folder);
    const first = await store.put('k', bytes('first'));
    const workshop = join(folder, '.tmp~');
    let asked = 0;
    const isCurrent = async (): Promise<boolean> => {
      const isFirst = (await store.get('k', 100))?.version === first;
      // The holder is stopped here, its lock broken, and another one's content put.
      if (++asked === 1) {
        const lock = join(workshop, lockName('k'));
        for (const name of readdirSync(lock)) rmSync(join(lock, name));
        expect(await store.put('k', bytes('second'), { ifVersion: first })).toBeDefined();
      }
      return isFirst;
    };
    const stage = async (path: string): Promise<void> => writeFileSync(path, 'third');
    const target = join(folder, 'k');
    expect(await replaceLocked(workshop, 'k', { stage, isCurrent, target }, undefined)).toBe(false);
    expect(asked).toBe(2);
    expect(readFileSync(target, 'utf8')).toBe('second');
    expect(readdirSync(workshop)).toEqual([]);
  });

  test('that two break at once, and a third takes in between, stays the third one’s', async () => {
    const { store, version, folder, lock } = await lockedBy(nameOf(self.host, deadPid));
    // All that a second breaker can do is to remove the one name that it saw.
    const seen = readdirSync(lock)[0] as string;
    rmSync(join(lock, seen));
    const staged = join(folder, '.tmp~', 'staged');
    const third = nameOf('elsewhere', 1);
    mkdirSync(staged);
    writeFileSync(join(staged, third), 'third');
    renameSync(staged, lock);
    expect(() => rmSync(join(lock, seen))).toThrow();
    await expect(
      store.put('k', bytes('new'), { ifVersion: version, signal: AbortSignal.timeout(300) }),
    ).rejects.toBeDefined();
    expect(readdirSync(lock)).toEqual([third]);
  });

  test('is swept when its owner has ended, and kept else', async () => {
    for (const [holder, isKept] of [
      [nameOf(self.host, deadPid), false],
      [nameOf(self.host, self.pid), true],
      [nameOf('elsewhere', 1), true],
    ] as const) {
      const { store, lock } = await lockedBy(holder);
      expect(await store.sweep()).toBe(isKept ? 0 : 25);
      expect(existsSync(lock)).toBe(isKept);
    }
    const folder = tempFolder();
    const abandoned = join(folder, '.tmp~', nameOf(self.host, deadPid));
    mkdirSync(abandoned, { recursive: true });
    writeFileSync(join(abandoned, nameOf(self.host, deadPid)), '12345');
    expect(await new FileStore(folder).sweep()).toBe(5);
    expect(existsSync(abandoned)).toBe(false);
  });
});
