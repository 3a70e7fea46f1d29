import { execFileSync } from 'node:child_process';
import { readFileSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { local, send, type Hardware, type Ref } from '@dataref/catalog';
import { failure } from '../../../core/test/expect-error.js';
import { tempFolder } from '../../../core/test/temp-folder.js';
import { MODULE as module, recordsOf, storedRecords } from './sent.js';

type Functions = {
  readonly add: (a: number, b?: number) => number;
  readonly logged: (value: number, log: string) => Promise<number>;
  readonly environment: (name: string) => string | undefined;
  readonly never: (log: string) => Promise<void>;
  readonly double: (record: { n: number; text: string }) => { n: number; text: string };
};
const hardware = local({ workers: 2 });
const add = send<Functions, 'add'>({ module, export: 'add', hardware });

describe('a function that is sent', () => {
  test('is called with arguments, and by map, starmap and repeat, in order', async () => {
    expect(await add(1, 2)).toBe(3);
    expect(await add.map([5, 6, 7])).toEqual([5, 6, 7]);
    expect(await add.starmap([[1, 2], [3, 4], [5]])).toEqual([3, 7, 5]);
    expect(await add.repeat(3, 2, 2)).toEqual([4, 4, 4]);
    expect([await add.map([]), await add.starmap([]), await add.repeat(0, 1)]).toEqual([[], [], []]);
  });

  test('carries typed arrays, dates, maps and bigints both ways', async () => {
    const identity = send({ module, hardware });
    const value = { bytes: Float32Array.of(1.5), at: new Date(7), map: new Map([[1, 2n]]) };
    expect(await identity(value)).toEqual(value);
  });

  test('runs what is enqueued one after another, also after a failure', async () => {
    const log = join(tempFolder(), 'log');
    const logged = send<Functions, 'logged'>({ module, export: 'logged', hardware });
    const turns = [logged.enqueue(1, log), logged.enqueue(2, join(log, 'no', 'such')), logged.enqueue(3, log)];
    const settled = await Promise.allSettled(turns);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(readFileSync(log, 'utf8')).toBe('begin 1\nend 1\nbegin 3\nend 3\n');
  });

  test('goes on by itself after remote, and get gives what comes of it, once', async () => {
    const refs = [add.remote(1, 1), add.remote(2, 2)] as const;
    expect([await add.get(refs[1]), await add.get(refs[0])]).toEqual([4, 2]);
    await expect(add.get(refs[0])).rejects.toEqual(failure('INVALID_ARGUMENT', /get needs what remote gave/));
    const { data, records } = await storedRecords(10);
    const double = send<Functions, 'double'>({ module, export: 'double', hardware });
    const made = await double.get(double.remote(data));
    expect((await recordsOf(made)).map(({ n }) => n)).toEqual(records.map(({ n }) => 2 * n));
    const bad: Ref = send({ module, export: 'thrown', hardware }).remote();
    expect(typeof bad.id).toBe('string'); // nobody asks, and nothing is unhandled
  });

  test('has the environment that it is given, and this process does not', async () => {
    const environment = send<Functions, 'environment'>({
      module,
      export: 'environment',
      hardware,
      env: { DATAREF_SENT: 'far' },
    });
    expect(await environment('DATAREF_SENT')).toBe('far');
    expect([await environment('PATH'), process.env['DATAREF_SENT']]).toEqual([process.env['PATH'], undefined]);
  });

  test('ends with an abort, as its worker does', async () => {
    const folder = tempFolder();
    const log = join(folder, 'log');
    writeFileSync(log, '');
    const abort = new AbortController();
    const never = send<Functions, 'never'>({ module, export: 'never', hardware });
    const watcher = watch(folder, () => abort.abort(new Error('enough')));
    await expect(never.with({ signal: abort.signal })(log)).rejects.toThrow('enough');
    watcher.close();
    await expect(never.with({ signal: abort.signal }).map([log, log])).rejects.toThrow('enough');
    expect(readFileSync(log, 'utf8')).toBe('called\n');
  });

  test('ends with an abort though it never gives way, and so does its program', () => {
    const log = join(tempFolder(), 'log');
    writeFileSync(log, '');
    const program = fileURLToPath(new URL('./modules/aborted-call.mjs', import.meta.url));
    expect(execFileSync(process.execPath, [program, log], { encoding: 'utf8', timeout: 50_000 })).toBe('enough\n');
  });

  test('tells progress of calls', async () => {
    const told: unknown[] = [];
    await add.with({ onProgress: ({ done, total, unit }) => told.push([done, total, unit]) }).map([1, 2]);
    expect(told).toEqual([0, 1, 2].map((done) => [done, 2, 'steps']));
  });
});

test('hardware is an interface: whatever carries bytes to runTask and back', async () => {
  const { runTask } = await import('@dataref/catalog');
  let tasks = 0;
  const here: Hardware = {
    kind: 'here',
    workers: 1,
    isInProcess: true,
    open: async () => ({
      run: (task) => {
        tasks++;
        return runTask(task);
      },
      close: async () => undefined,
    }),
  };
  expect(await send<Functions, 'add'>({ module, export: 'add', hardware: here }).map([1, 2])).toEqual([1, 2]);
  expect(tasks).toBe(2);
});
