import { expect, test } from '@jest/globals';
import type { Storage } from '@dataref/core';
import { local, runTask, send, type Hardware } from '@dataref/catalog';
import { MODULE as module, recordsOf, storedRecords } from './sent.js';

const recordsPerShare = 16;

/**
 * What holds where a dataset is in a bucket.
 * @param storageOf a storage of a new bucket
 * @param secrets what no task may have in it that leaves this process
 */
export function bucketSuite(storageOf: () => Promise<Storage>, secrets: readonly string[]): void {
  const double = (hardware: Hardware, storage?: Storage) =>
    send({ module, export: 'double', hardware, recordsPerShare, storage });

  test('a send gives what it gives over a folder, with 1 and 2 workers, and leaves its result in the bucket', async () => {
    const { records, data } = await storedRecords(96);
    const there = await double(local({ workers: 2 }))(data);
    for (const workers of [1, 2]) {
      const storage = await storageOf();
      const made = await double(local({ workers }))(await storage.submit(records, 'x', '1'));
      expect([made.fingerprint, await recordsOf(made)]).toEqual([there.fingerprint, await recordsOf(there)]);
      const ids: string[] = [];
      for await (const { id, version } of storage.list()) {
        ids.push(id);
        expect(await storage.verify(id, version)).toEqual({ ok: true, problems: [] });
      }
      expect(ids.sort()).toEqual(['sends/double', 'x']);
    }
  });

  test('a dataset of a folder is staged in the bucket of its results, for as long as it is sent', async () => {
    const { data } = await storedRecords(40);
    const storage = await storageOf();
    const some = data.slice(8, 40);
    const made = await double(local({ workers: 2 }), storage)(some);
    expect((await recordsOf(made)).map(({ n }) => n)).toEqual((await recordsOf(some)).map(({ n }) => 2 * n));
    const ids: string[] = [];
    for await (const { id } of storage.list()) ids.push(id);
    expect(ids).toEqual(['sends/double']);
  });

  test('tasks for other processes have no secrets in them: workers there have their own', async () => {
    const { records } = await storedRecords(32);
    const storage = await storageOf();
    const data = await storage.submit(records, 'x', '1');
    const tasks: string[] = [];
    const far: Hardware = {
      kind: 'far',
      workers: 1,
      isInProcess: false,
      open: async () => ({
        run: (task) => {
          tasks.push(Buffer.from(task).toString('latin1'));
          return runTask(task);
        },
        close: async () => undefined,
      }),
    };
    expect((await recordsOf(await double(far)(data))).map(({ n }) => n)).toEqual(records.map(({ n }) => 2 * n));
    expect(tasks).toHaveLength(2);
    for (const secret of secrets) expect(tasks.filter((task) => task.includes(secret))).toEqual([]);
  });
}
