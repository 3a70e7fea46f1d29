import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, jest, test } from '@jest/globals';
import { MemoryStore, ObjectStorage, type ObjectStore } from '@dataref/core/store';
import { local, openCatalog, send, type Catalog } from '@dataref/catalog';
import { failure } from '../../core/test/expect-error.js';
import { scale } from '../../core/test/scale.js';
import { withRoom } from '../../core/test/storage/store-with-room.js';
import { MODULE, recordsOf, storedRecords, theSent } from './send/sent.js';

jest.setTimeout(600_000);
/** Bytes by which a disk is larger than the one before. */
const STEP = scale < 1 ? 1009 : 101;
const RECORDS = Array.from({ length: 6 }, (_, i) => ({ label: i % 2, i }));

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys.sort();
}

const WORK: readonly ((catalog: Catalog) => Promise<unknown>)[] = [
  (catalog) => catalog.save('new', RECORDS),
  (catalog) => catalog.append('t', RECORDS),
  (catalog) => catalog.save('t', RECORDS.values(), { partitionBy: ['label'] }),
  (catalog) => catalog.saveBlob('b', new Uint8Array(300).fill(2)),
];

test('on a disk that is full at any byte each thing is done, or not at all, and is done once there is room', async () => {
  for (const [step, act] of WORK.entries()) {
    for (let room = 0; ; room += STEP) {
      const store = new MemoryStore();
      const storage = new ObjectStorage(store);
      const catalog = openCatalog(storage);
      await catalog.save('t', RECORDS, { partitionBy: ['label'] });
      await catalog.saveBlob('b', Uint8Array.of(1));
      const before = await keysOf(store);
      const outcome = act(openCatalog(new ObjectStorage(withRoom(store, room))));
      const isDone = await outcome.then(
        () => true,
        () => false,
      );
      if (isDone) {
        expect([step, room]).not.toEqual([step, 0]);
        break;
      }
      await expect(outcome).rejects.toEqual(failure('DISK_FULL', /no room/u));
      expect([await catalog.has('new'), await catalog.loadBlob('b')]).toEqual([false, Uint8Array.of(1)]);
      expect(await catalog.history('t')).toHaveLength(1);
      expect(await recordsOf(await catalog.load('t'))).toHaveLength(6);
      await storage.vacuum({ graceMs: 0 });
      await catalog.vacuum({ graceMs: 0 });
      const left = (await keysOf(store)).filter((key) => !before.includes(key));
      // But for generations whose writer, this process, lives.
      expect(left.filter((key) => !left.includes(key.replace(/[^/]+$/u, 'writer.json')))).toEqual([]);
      await act(catalog);
    }
  }
});

const SEND = `
  import { local, send } from '@dataref/catalog';
  import { FileStorage } from '@dataref/core/fs';
  const [folder, module] = process.argv.slice(1);
  const data = await new FileStorage(folder).fetch('x', '1');
  await send({ module, hardware: local({ workers: 2 }), recordsPerShare: 400 })(data).catch(({ code }) => console.log(code));
`;

test('a send whose shares find no room is told so, and goes on once there is', async () => {
  const { folder, storage, records, data } = await storedRecords(2000);
  const node = ['--input-type=module', '-e', SEND, folder, MODULE.href];
  const limited = promisify(execFile)('bash', ['-c', 'ulimit -f 4 || exit; exec "$0" "$@"', process.execPath, ...node]);
  expect((await limited).stdout).toBe('DISK_FULL\n');
  expect(await recordsOf(await storage.fetch('x', '1'))).toEqual(records);
  const made = await send({ module: MODULE, hardware: local({ workers: 2 }), recordsPerShare: 400 })(data);
  expect(await recordsOf(made)).toEqual(records);
  const { id, version } = await theSent(storage);
  expect(await storage.verify(id, version)).toEqual({ ok: true, problems: [] });
});
