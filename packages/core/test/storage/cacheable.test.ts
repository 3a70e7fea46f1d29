import { describe, expect, jest, test } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineDataRef, field, fromColumns, fromRecords, type DataRef, type Progress } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { FileStore } from '../../dist/store/file-store.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import type { ObjectStore } from '../../dist/store/object-store.js';
import { thisProcess } from '../../dist/store/process-identity.js';
import { failure } from '../expect-error.js';
import { listing, tempFolder } from '../temp-folder.js';
import { changed, storageOver } from './stored.js';

jest.setTimeout(600_000);

const leaseTimes = { beatMs: 100, leaseMs: 800 };
const self = thisProcess();
const deadPid = Number(spawnSync(process.execPath, ['-p', 'process.pid']).stdout);
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const numbers = (...data: number[]) => fromColumns(Int32Array.from(data));
const textOf = async (store: ObjectStore, key: string) =>
  new TextDecoder().decode((await store.get(key, 10_000))?.bytes);
const leaseOf = async (store: ObjectStore) => JSON.parse(await textOf(store, 'x/1/build.json')) as { epoch: number };
const put = (store: ObjectStore, key: string, value: unknown) =>
  store.put(key, new TextEncoder().encode(JSON.stringify(value)));
async function valuesOf(dataref: DataRef): Promise<unknown[]> {
  return (await dataref.read(Array.from({ length: dataref.length }, (_, i) => i))).records();
}

describe.each([
  ['a folder', (): ObjectStore => new FileStore(tempFolder())],
  ['memory', (): ObjectStore => new MemoryStore()],
])('cacheable over %s', (_, open) => {
  test('runs the function once, and gives what it stored from then on', async () => {
    const store = open();
    let runs = 0;
    const build = async () => numbers(++runs, 2, 3);
    const first = await storageOver(store).cacheable('x', '1', build);
    const second = await storageOver(store).cacheable('x', '1', build);
    expect([await valuesOf(first), await valuesOf(second), runs]).toEqual([[1, 2, 3], [1, 2, 3], 1]);
    expect(await storageOver(store).verify('x', '1')).toEqual({ ok: true, problems: [] });
    expect(await storageOver(store).cacheable('x', '2', build).then(valuesOf)).toEqual([2, 2, 3]);
  });

  test('of many calls at once, through one storage or several, one runs the function', async () => {
    const store = open();
    const storages = [storageOver(store), storageOver(store), storageOver(store)];
    let runs = 0;
    const build = async () => {
      await sleep(100);
      return numbers(++runs);
    };
    const all = await Promise.all(Array.from({ length: 30 }, (__, i) => storages[i % 3]!.cacheable('x', '1', build)));
    expect(await Promise.all(all.map(valuesOf))).toEqual(all.map(() => [1]));
    expect(runs).toBe(1);
  });

  test('an error of the function reaches the caller whose function it is, and the others take their turns', async () => {
    const store = open();
    const one = storageOver(store);
    const other = storageOver(store);
    const errors = Array.from({ length: 4 }, (__, i) => new Error(`failed ${i}`));
    const calls = errors.map((error, i) =>
      (i % 2 === 0 ? one : other).cacheable('x', '1', async () => {
        await sleep(20);
        throw error;
      }),
    );
    const last = sleep(10).then(() => one.cacheable('x', '1', () => numbers(7)));
    const settled = await Promise.allSettled(calls);
    expect(await valuesOf(await last)).toEqual([7]);
    // Each either had its turn, and its own error, or came after the one that did not fail.
    for (const [i, result] of settled.entries()) {
      if (result.status === 'rejected') expect(result.reason).toBe(errors[i]);
      else expect(await valuesOf(result.value)).toEqual([7]);
    }
    expect(settled[0]?.status).toBe('rejected');
    const sync = new Error('at once');
    const thrown = one.cacheable('x', '2', () => {
      throw sync;
    });
    await expect(thrown).rejects.toBe(sync);
    expect(await one.cacheable('x', '2', () => numbers(8)).then(valuesOf)).toEqual([8]);
  });

  test('an error while the dataset is written frees the lease, and leaves nothing but that', async () => {
    const store = open();
    const storage = storageOver(store);
    const failing = defineDataRef({
      length: 2,
      schema: field('int32'),
      fingerprint: 'f',
      read: () => Promise.reject(new Error('the source is gone')),
    });
    await expect(storage.cacheable('x', '1', () => failing)).rejects.toThrow('the source is gone');
    expect(await storage.cacheable('x', '1', () => numbers(1)).then(valuesOf)).toEqual([1]);
    await storage.vacuum({ graceMs: 0 });
    const keys: string[] = [];
    for await (const { key } of store.list('')) keys.push(key.replace(/[0-9a-f]{16}/u, 'G'));
    expect(keys.sort()).toEqual(['x/1/data/G/00000000.arrow', 'x/1/dataset.json']);
  });

  test('one who waits says for whom, and can be aborted; the others go on', async () => {
    const store = open();
    const storage = storageOver(store);
    let done: () => void = () => undefined;
    let building: Promise<DataRef> | undefined;
    await new Promise<void>((begun) => {
      building = storage.cacheable('x', '1', async () => {
        begun();
        await new Promise<void>((resolve) => (done = resolve));
        return numbers(1);
      });
    });
    const reason = new Error('enough');
    for (const waiter of [storageOver(store), storage]) {
      const told: Progress[] = [];
      const controller = new AbortController();
      const waiting = waiter.cacheable('x', '1', () => numbers(2), {
        signal: controller.signal,
        onProgress: (progress: Progress) => {
          told.push(progress);
          controller.abort(reason);
        },
      });
      await expect(waiting).rejects.toBe(reason);
      const host = self.host.slice(0, -17);
      expect(told[0]).toMatchObject({ phase: 'wait', waitingFor: { host, pid: process.pid } });
    }
    done();
    expect(await valuesOf((await building) as DataRef)).toEqual([1]);
    await expect(storage.cacheable('x', '2', () => numbers(2), { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
  });

  test('an aborted builder lets the next one take its turn, though its function goes on', async () => {
    const store = open();
    const controller = new AbortController();
    const reason = new Error('enough');
    let goOn: () => void = () => undefined;
    let ended: Promise<void> | undefined;
    let aborted: Promise<DataRef> | undefined;
    await new Promise<void>((begun) => {
      const build = async () => {
        begun();
        await (ended = new Promise<void>((resolve) => (goOn = resolve)));
        return numbers(1);
      };
      aborted = storageOver(store).cacheable('x', '1', build, { signal: controller.signal });
    });
    const outcome = expect(aborted).rejects.toBe(reason);
    const next = storageOver(store).cacheable('x', '1', () => numbers(2), {
      onProgress: ({ phase }: Progress) => phase === 'wait' && controller.abort(reason),
    });
    await outcome;
    expect(await valuesOf(await next)).toEqual([2]);
    goOn();
    await ended;
    await sleep(100);
    expect(await storageOver(store).fetch('x', '1').then(valuesOf)).toEqual([2]);
  });

  test('reports the write of the one that builds', async () => {
    const phases = new Set<string>();
    await storageOver(open()).cacheable('x', '1', () => numbers(1, 2), {
      onProgress: ({ phase, done, total }: Progress) => phases.add(`${phase} ${done}/${total}`),
    });
    expect([...phases]).toEqual(['write 2/2']);
  });

  test('a builder that was silent for longer than its lease does not commit: it waits like the others', async () => {
    const store = open();
    let stop = false;
    // Its beats fail, as those of a stopped process do not come.
    const silent = changed(store, {
      async put(key, bytes, options) {
        if (stop && key.endsWith('build.json')) throw new Error('unreachable');
        return store.put(key, bytes, options);
      },
    });
    const puts: string[] = [];
    const told = changed(store, {
      async put(key, bytes, options) {
        puts.push(key);
        return store.put(key, bytes, options);
      },
    });
    let wake: () => void = () => undefined;
    const awake = new Promise<void>((resolve) => (wake = resolve));
    let zombie: Promise<DataRef> | undefined;
    await new Promise<void>((begun) => {
      zombie = storageOver(silent, { leaseTimes }).cacheable('x', '1', async () => {
        stop = true;
        begun();
        await awake;
        return numbers(1);
      });
    });
    const heir = storageOver(told, { leaseTimes }).cacheable('x', '1', () => numbers(2));
    expect(await valuesOf(await heir)).toEqual([2]);
    wake();
    expect(await valuesOf((await zombie) as DataRef)).toEqual([2]);
    expect(puts).toContain('x/1/dataset.json');
    expect(await leaseOf(store)).toMatchObject({ epoch: 2, isReleased: true });
    await storageOver(store).vacuum({ graceMs: 0 });
    expect(await storageOver(store).verify('x', '1')).toEqual({ ok: true, problems: [] });
  });

  test('one that loses its lease between writing and committing does not commit', async () => {
    const store = open();
    const taking = changed(store, {
      async create(key, options) {
        if (key.endsWith('.arrow')) await put(store, 'x/1/build.json', { nonce: 'another', writer: null, epoch: 9 });
        return store.create(key, options);
      },
    });
    // Long enough that the other's does not expire meanwhile.
    const patient = { beatMs: 100, leaseMs: 600_000 };
    const lost = storageOver(taking, { leaseTimes: patient }).cacheable('x', '1', () => numbers(1));
    const seen: boolean[] = [];
    for (let i = 0; i < 5; i++) {
      await sleep(50);
      seen.push(await storageOver(store).has('x', '1'));
    }
    expect(seen).not.toContain(true);
    // The other one commits.
    await storageOver(store).submit([5], 'x', '1');
    expect(await valuesOf(await lost)).toEqual([5]);
  });

  test.each([
    ['of a process that has ended', { nonce: 'n', writer: { ...self, pid: deadPid }, epoch: 3, beat: 1 }, 0],
    ['that was released', { nonce: 'n', writer: self, epoch: 3, beat: 1, isReleased: true }, 0],
    ['of a process that runs, but is silent', { nonce: 'n', writer: self, epoch: 3, beat: 1 }, 800],
    ['of another host, silent', { nonce: 'n', writer: { ...self, host: 'elsewhere' }, epoch: 3, beat: 1 }, 800],
    ['that is none', 'nonsense', 800],
  ])('a lease %s is taken over in time, as the next epoch', async (__, lease, afterMs) => {
    const store = open();
    await put(store, 'x/1/build.json', lease);
    const startMs = performance.now();
    const built = await storageOver(store, { leaseTimes }).cacheable('x', '1', () => numbers(1));
    expect(await valuesOf(built)).toEqual([1]);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(afterMs);
    expect((await leaseOf(store)).epoch).toBe(typeof lease === 'string' ? 1 : 4);
  });

  test('a lease whose put succeeds though its answer is lost is known to be one’s own', async () => {
    const store = open();
    for (const fails of [() => undefined, () => Promise.reject(new Error('the answer was lost'))]) {
      const losing = changed(store, {
        async put(key, bytes, options) {
          const version = await store.put(key, bytes, options);
          return key.endsWith('build.json') ? fails() : version;
        },
      });
      let runs = 0;
      await storageOver(losing, { leaseTimes: { beatMs: 20, leaseMs: 60_000 } }).cacheable('x', '1', async () => {
        await sleep(200);
        return numbers(++runs);
      });
      expect(runs).toBe(1);
      expect(await leaseOf(store)).toMatchObject({ isReleased: true });
      await storageOver(store).delete('x', '1');
    }
  });
});

describe('the build lease', () => {
  const old = Date.now() - 48 * 3600_000;

  test('is no dataset: neither listed, nor fetched, nor in the way of a submit', async () => {
    const store = new MemoryStore();
    const storage = storageOver(store);
    await put(store, 'x/1/build.json', { nonce: 'n', writer: self, epoch: 1, beat: 0, beatMs: Date.now() });
    for await (const info of storage.list()) throw new Error(`listed: ${info.id}`);
    expect(await storage.has('x', '1')).toBe(false);
    await expect(storage.fetch('x', '1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await storage.submit([1], 'x', '1');
    expect(await storage.fetch('x', '1').then(valuesOf)).toEqual([1]);
  });

  test.each([
    ['released today', { writer: self, beatMs: Date.now(), isReleased: true }, 'kept', 'removed'],
    ['released two days ago', { writer: self, beatMs: old, isReleased: true }, 'removed', 'removed'],
    ['of a process that runs', { writer: self, beatMs: old }, 'kept', 'kept'],
    ['of a process that has ended', { writer: { ...self, pid: deadPid }, beatMs: Date.now() }, 'removed', 'removed'],
    ['of another host, heard of just now', { writer: { ...self, host: 'else' }, beatMs: Date.now() }, 'kept', 'kept'],
    ['of another host, silent', { writer: { ...self, host: 'else' }, beatMs: old }, 'removed', 'removed'],
  ])('%s is vacuumed: within the time of grace %#', async (_, lease, withGrace, without) => {
    for (const [options, fate] of [
      [{}, withGrace],
      [{ graceMs: 0 }, without],
    ] as const) {
      const store = new MemoryStore();
      const aged = changed(store, {
        async head(key) {
          const info = await store.head(key);
          return info && { ...info, modifiedMs: lease.beatMs };
        },
      });
      const storage = storageOver(aged, fate === 'removed' ? { leaseTimes } : {});
      await storage.submit([1], 'x', '1');
      await put(store, 'x/1/build.json', { nonce: 'n', epoch: 1, beat: 0, ...lease });
      await storage.vacuum(options);
      expect(await store.head('x/1/build.json').then(Boolean)).toBe(fate === 'kept');
      expect(await storage.fetch('x', '1').then(valuesOf)).toEqual([1]);
    }
  });

  test('goes with its dataset', async () => {
    const folder = tempFolder();
    const storage = new FileStorage(folder);
    await storage.cacheable('x', '1', () => numbers(1));
    expect(listing(folder)).toContain('x/1/build.json');
    expect(await storage.delete('x', '1')).toBe(true);
    expect(listing(folder).filter((path) => !path.startsWith('.tmp~'))).toEqual([]);
  });
});

describe('a vacuum that takes a writer for dead', () => {
  test('takes its lease first, so that a writer that lives does not commit', async () => {
    const store = new MemoryStore();
    const elsewhere = storageOver(store, { isRunning: () => false });
    async function* records() {
      yield 1;
      await elsewhere.vacuum();
      yield 2;
    }
    await expect(storageOver(store).submit(records(), 'x', '1')).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringMatching(/submit again/u),
    });
    expect(await storageOver(store).has('x', '1')).toBe(false);
  });
});

describe('cacheable as a function of a function', () => {
  test('hands on `this` and the arguments, which do not tell datasets apart', async () => {
    const storage = new FileStorage(tempFolder());
    class Digits {
      readonly first = 5;
      runs = 0;
      load = storage.cacheable(
        'digits',
        '1',
      )(async function (this: Digits, second: number) {
        this.runs++;
        return numbers(this.first, second);
      });
    }
    const digits = new Digits();
    expect(await valuesOf(await digits.load(6))).toEqual([5, 6]);
    expect(await valuesOf(await digits.load(7))).toEqual([5, 6]);
    expect(digits.runs).toBe(1);
    const loaded = await storage.cacheable('text', '1')(() => fromRecords([{ text: 'a' }]))();
    const { text } = await loaded.at(0);
    expect(text satisfies string).toBe('a');
  });

  test('is a standard decorator of methods, and says so when it decorates anything else', async () => {
    const storage = new FileStorage(tempFolder());
    const decorate = storage.cacheable('x', '1') as unknown as (value: unknown, context: { kind: string }) => unknown;
    class Loader {
      factor = 3;
      async load(value: number) {
        return numbers(value * this.factor);
      }
    }
    const { value } = Object.getOwnPropertyDescriptor(Loader.prototype, 'load') as PropertyDescriptor;
    Object.assign(Loader.prototype, { load: decorate(value, { kind: 'method' }) });
    expect(await valuesOf(await new Loader().load(4))).toEqual([12]);
    for (const kind of ['getter', 'class', 'field'])
      expect(() => decorate(kind === 'field' ? undefined : () => 1, { kind })).toThrow(`got a ${kind}`);
    expect(() => decorate(7, { kind: 'method' })).toThrow('got 7');
  });
});

describe('cacheable refuses', () => {
  const storage = storageOver(new MemoryStore());

  test.each([
    ['records', [1, 2], 'an array of 2'],
    ['nothing', undefined, 'undefined'],
    ['a typed array', new Uint8Array(3), 'a Uint8Array of 3 bytes'],
  ])('a function that gives %s, and frees the lease', async (_, given, shown) => {
    const build = () => given as unknown as DataRef;
    await expect(storage.cacheable('x', '1', build)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(`got ${shown}; fromRecords`),
    });
    expect(await storage.has('x', '1')).toBe(false);
  });

  test('what is no function, unknown options, and bad names', async () => {
    await expect(storage.cacheable('x', '1', 7)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(storage.cacheable('x', '1', undefined)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(storage.cacheable('x', '1', () => numbers(1), { leaseMs: 1 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    expect(() => storage.cacheable('../x', '1')).toThrow('id');
    await storage.submit([1], 'case', '1');
    await expect(storage.cacheable('Case', '1', () => numbers(1))).rejects.toMatchObject({ code: 'INVALID_ID' });
  });

  test('a damaged dataset, and leaves it as it is', async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'x/1'), { recursive: true });
    writeFileSync(join(folder, 'x/1/dataset.json'), '{}');
    await expect(new FileStorage(folder).cacheable('x', '1', () => numbers(1))).rejects.toMatchObject({
      code: expect.stringMatching(/CORRUPT|UNSUPPORTED/u),
    });
    expect(readFileSync(join(folder, 'x/1/dataset.json'), 'utf8')).toBe('{}');
  });
});

describe('a build that asks for its own dataset', () => {
  test('is refused, directly and by way of another build, and leaves the key free', async () => {
    const storage = new FileStorage(tempFolder());
    const whole = () => fromRecords([1, 2]);
    const own = storage.cacheable('a', '1', () => storage.cacheable('a', '1', whole));
    await expect(own).rejects.toEqual(failure('INVALID_ARGUMENT', /builds a@1 asks for a@1 itself/u));
    const round = storage.cacheable('a', '1', () =>
      storage.cacheable('b', '1', () => storage.cacheable('a', '1', whole)),
    );
    await expect(round).rejects.toEqual(failure('INVALID_ARGUMENT', /asks for a@1 itself/u));
    const nested = await storage.cacheable('a', '1', () => storage.cacheable('b', '1', whole));
    expect([nested.length, await storage.has('b', '1')]).toEqual([2, true]);
  });

  test('is not what a build that has failed left under way', async () => {
    const storage = new FileStorage(tempFolder());
    let again: Promise<DataRef> | undefined;
    const failing = storage.cacheable('a', '1', () => {
      again = sleep(50).then(() => storage.cacheable('a', '1', () => numbers(1, 2)));
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect((await again)?.length).toBe(2);
  });
});

test('once nothing is built any more, Node looks at no promise', () => {
  const program = `
    import { fromColumns } from '@dataref/core';
    import { FileStorage } from '@dataref/core/fs';
    const isWatched = () => Object.getOwnPropertySymbols(Promise.resolve()).length > 0;
    let isWatchedThen;
    await new FileStorage(process.argv[1]).cacheable('a', '1', () => {
      isWatchedThen = isWatched();
      return fromColumns(Int32Array.of(1));
    });
    await new Promise((resolve) => setTimeout(resolve));
    console.log(isWatchedThen, isWatched());`;
  const args = ['--input-type=module', '--eval', program, tempFolder()];
  const isBefore24 = Number(process.versions.node.split('.')[0]) < 24;
  expect(execFileSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8' })).toBe(
    `${isBefore24} false\n`,
  );
});

test.each(['build.json', 'dataset.json'])(
  'a folder in the place of %s is STORE_FAILED, and no endless wait',
  async (name) => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'x/1', name), { recursive: true });
    const built = new FileStorage(folder).cacheable('x', '1', () => numbers(1));
    await expect(built).rejects.toEqual(
      failure('STORE_FAILED', new RegExp(`x/1/${name.replace('.', '\\.')}.*is a folder`, 'u')),
    );
  },
);
