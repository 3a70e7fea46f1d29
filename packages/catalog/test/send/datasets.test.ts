import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { concat, defineDataRef, field, fromColumns, type Progress } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { local, send } from '@dataref/catalog';
import { scale } from '../../../core/test/scale.js';
import { tempFolder } from '../../../core/test/temp-folder.js';
import { MODULE as module, partsOf, recordsOf, storedRecords, theSent } from './sent.js';

const hardware = local({ workers: 2 });
/** Each a thread to start. */
const WORKERS = scale < 1 ? [1, 3] : [1, 2, 8];

describe('a dataset that is sent', () => {
  test(`is the same to the byte with ${WORKERS.join(', ')} workers, in the order of its records`, async () => {
    const { folder, storage, records, data } = await storedRecords(200);
    const seen: unknown[] = [];
    for (const workers of WORKERS) {
      const double = send({ module, export: 'double', hardware: local({ workers }), recordsPerShare: 25 });
      const made = await double(data);
      expect(await recordsOf(made)).toEqual(records.map(({ n, text }) => ({ n: 2 * n, text: `${text}!` })));
      const { id, version } = await theSent(storage);
      seen.push([made.fingerprint, partsOf(folder, version)]);
      expect(await storage.verify(id, version)).toEqual({ ok: true, problems: [] });
      await storage.delete(id, version);
    }
    expect(seen[0]).toHaveProperty('1.15');
    for (const other of seen.slice(1)) expect(other).toEqual(seen[0]);
  });

  test('may be in memory, a part of another, joined of several, or of the user’s own', async () => {
    const { storage, records, data } = await storedRecords(90);
    const own = defineDataRef({
      length: 3,
      schema: data.schema,
      fingerprint: 'mine',
      read: (indices) => indices.map((n) => ({ n, text: 'own' })),
    });
    const some = fromColumns({ n: Float64Array.of(1, 2), text: ['a', 'b'] });
    const cases = [data.slice(7, 30), await data.where(({ n }) => n % 3 === 0), concat(data, data), own, some];
    const all = [records.slice(7, 30), records.filter(({ n }) => n % 3 === 0), [...records, ...records]];
    for (const [i, each] of cases.entries()) {
      const identity = send({ module, hardware, storage });
      const made = await identity(each);
      expect(await recordsOf(made)).toEqual(all[i] ?? (await recordsOf(each)));
      expect(await idsIn(storage)).toEqual(['x', ...Array.from({ length: i + 1 }, () => 'sends/functions')].sort());
    }
  });

  test('goes to another storage where one is given, and to a temporary one where it has none', async () => {
    const { data, storage, records } = await storedRecords(10);
    const other = new FileStorage(tempFolder());
    await send({ module, hardware, storage: other })(data);
    expect([await idsIn(storage), await idsIn(other)]).toEqual([['x'], ['sends/functions']]);
    const made = await send({ module, hardware, revision: String(Math.random()) })(data.slice(0, 4));
    expect(await recordsOf(made)).toEqual(records.slice(0, 4));
    expect(await idsIn(storage)).toEqual(['x']);
  });

  test('goes nowhere that another has put a link to', () => {
    const folder = tempFolder();
    symlinkSync(tempFolder(), join(folder, `dataref-sends-${userInfo().uid}`));
    const program = fileURLToPath(new URL('temporary.mjs', module));
    const env = { ...process.env, TMPDIR: folder };
    expect(execFileSync(process.execPath, [program], { env, encoding: 'utf8' })).toMatch(
      /^STORE_FAILED: .*belongs to another user, or is a link: give send a storage/u,
    );
  });

  test('may give arrays of several sizes, with a schema, and nothing at all of no records', async () => {
    const { data } = await storedRecords(10);
    const schema = { ids: field('int32', [null]) };
    const upTo = send({ module, export: 'upTo', hardware, schema });
    const made = await upTo(data);
    expect((await recordsOf(made)).map(({ ids }) => Array.from(ids.data))).toEqual(
      Array.from({ length: 10 }, (_, n) => Array.from(Array(n % 5).keys())),
    );
    expect(await upTo(data.slice(0, 0))).toMatchObject({ length: 0, schema });
  });

  test('in batches, of a size that shares and workers do not change, with arguments', async () => {
    const { data, records } = await storedRecords(100);
    const scaled = send({ module, export: 'scale', hardware, input: 'batch', batchSize: 16, recordsPerShare: 40 });
    const made = await scaled(data, 3);
    const sizes = [16, 16, 8, 16, 16, 8, 16, 4].flatMap((size) => Array.from({ length: size }, () => size));
    expect(await recordsOf(made)).toEqual(records.map(({ n }, i) => ({ scaled: 3 * n, size: sizes[i] })));
  });
});

describe('a job', () => {
  test('that is done is not run again, unless data, arguments, options or code are others', async () => {
    const { data } = await storedRecords(10);
    const folder = tempFolder();
    const log = join(folder, 'calls');
    writeFileSync(log, '');
    for (const name of ['functions.mjs', 'suffix.mjs']) copyFileSync(new URL(name, module), join(folder, name));
    const copy = pathToFileURL(join(folder, 'functions.mjs'));
    const counted = (options = {}) => send({ module: copy, export: 'counted', hardware, ...options });
    const calls = () => readFileSync(log, 'utf8').length;
    const run = async (options?: object, from = data): Promise<number> => {
      const before = calls();
      await counted(options)(from, log);
      return calls() - before;
    };
    expect([await run(), await run()]).toEqual([10, 0]);
    expect([await run({ revision: '2' }), await run({ recordsPerShare: 5 })]).toEqual([10, 10]);
    expect(await run({}, data.slice(1))).toBe(9);
    writeFileSync(join(folder, 'suffix.mjs'), "export const suffix = '?';"); // what the module imports
    expect([await run(), await run()]).toEqual([10, 0]);
  });

  test('tells how many records are done, at last all', async () => {
    const { data } = await storedRecords(100);
    const told: Progress[] = [];
    const double = send({ module, export: 'double', hardware, recordsPerShare: 10 });
    await double.with({ onProgress: (progress) => told.push(progress) })(data);
    expect(told.map(({ done }) => done)).toEqual(Array.from({ length: 11 }, (_, i) => 10 * i));
    expect(told.at(-1)).toMatchObject({ phase: 'send', total: 100, unit: 'records' });
  });
});

async function idsIn(storage: FileStorage): Promise<string[]> {
  const found: string[] = [];
  for await (const { id } of storage.list()) found.push(id);
  return found.sort();
}
