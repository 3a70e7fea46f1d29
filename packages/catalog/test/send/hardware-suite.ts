import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { local, send, type Hardware } from '@dataref/catalog';
import { failure } from '../../../core/test/expect-error.js';
import { randomOf, runs } from '../../../core/test/scale.js';
import { tempFolder } from '../../../core/test/temp-folder.js';
import { MODULE as module, partsOf, recordsOf, storedRecords, theSent } from './sent.js';

type Functions = {
  readonly add: (a: number, b?: number) => number;
  readonly environment: (name: string) => string | undefined;
  readonly large: (length: number, value: number) => Uint8Array;
  readonly sizeOf: (bytes: Uint8Array) => number[];
};
const recordsPerShare = 16;

/** What holds of each way to carry bytes to another process and back, however many they are. */
export function largeSuite(kind: string, hardware: Hardware): void {
  test(`functions sent by ${kind} are given, and give, more than a text can hold`, async () => {
    const bytes = 400 * 2 ** 20;
    const made = await send<Functions, 'large'>({ module, export: 'large', hardware })(bytes, 7);
    expect([made.length, made[0], made[bytes - 1]]).toEqual([bytes, 7, 7]);
    expect(await send<Functions, 'sizeOf'>({ module, export: 'sizeOf', hardware })(made)).toEqual([bytes, 7]);
  });
}

/** What holds wherever functions run in other processes. @param hardware with so many workers */
export function hardwareSuite(kind: string, hardware: (workers: number) => Hardware, seed: number): void {
  describe(`functions sent by ${kind}`, () => {
    test('give a dataset that is the same to the byte as on threads, with 1, 2 and 8 workers', async () => {
      const { folder, storage, data } = await storedRecords(160);
      const seen: unknown[] = [];
      for (const each of [local({ workers: 2 }), hardware(1), hardware(2), hardware(8)]) {
        const made = await send({ module, export: 'double', hardware: each, recordsPerShare })(data);
        const { id, version } = await theSent(storage);
        seen.push([made.fingerprint, await recordsOf(made), partsOf(folder, version)]);
        expect(await storage.verify(id, version)).toEqual({ ok: true, problems: [] });
        await storage.delete(id, version);
      }
      for (const each of seen) expect(each).toEqual(seen[0]);
    });

    test('are called, with the environment that they are given, and print without disturbing', async () => {
      const add = send<Functions, 'add'>({ module, export: 'add', hardware: hardware(2) });
      expect(await add.starmap([[1, 2], [3, 4], [5]])).toEqual([3, 7, 5]);
      expect(await Promise.all([add.repeat(2, 7), add.enqueue(1), add.get(add.remote(2, 2))])).toEqual([[7, 7], 1, 4]);
      const env = { DATAREF_SENT: 'far away' };
      const environment = send<Functions, 'environment'>({ module, export: 'environment', hardware: hardware(1), env });
      expect(await environment('DATAREF_SENT')).toBe('far away');
      expect(await environment('DATAREF_SEND_TOKEN')).toBeUndefined();
      const printing = send({ module, export: 'printing', hardware: hardware(1) });
      expect(await printing()).toBe('printed');
      expect(await send({ module, export: 'reads', hardware: hardware(1) })()).toBe(''); // and read nothing that is not theirs
    });

    test('name the record that they throw on, with their own stack', async () => {
      const { data } = await storedRecords(200);
      const failing = send({ module, export: 'failing', hardware: hardware(2) });
      const error: any = await failing(data).catch((reason: unknown) => reason);
      expect(error).toEqual(failure('MAP_FAILED', /failed on x@1, record 137: no 137/));
      expect(error.cause).toMatchObject({ name: 'RangeError', stack: expect.stringMatching(/functions\.mjs:\d+/u) });
      await expect(send({ module, export: 'doubel', hardware: hardware(1) })()).rejects.toEqual(
        failure('INVALID_ARGUMENT', /did you mean "double"/),
      );
    });

    test('name the record where the schema of their results changes', async () => {
      const { data } = await storedRecords(200);
      const changing = send({ module, export: 'changing', hardware: hardware(2), recordsPerShare: 128 });
      const error: any = await changing(data).catch((reason: unknown) => reason);
      expect(error).toEqual(
        failure('SCHEMA_MISMATCH', /what changing of functions\.mjs gave for x@1, record 150: n is float64/),
      );
      expect(error.details.index).toBe(150);
    });

    test('that end their workers three times are told of, with what the worker said at last', async () => {
      await expect(send({ module, export: 'dies', hardware: hardware(1) })()).rejects.toEqual(
        failure('WORKER_DIED', /dies of functions\.mjs on its call: its worker ended 3 times.*out of nowhere/),
      );
      await expect(send({ module, export: 'killed', hardware: hardware(1) })('', Infinity)).rejects.toEqual(
        failure('WORKER_DIED', /its worker ended 3 times/),
      );
    });

    test('are run again where their workers are killed, to the same result', async () => {
      const random = randomOf(seed);
      const { storage, folder, data } = await storedRecords(96);
      const double = send({ module, export: 'double', hardware: local({ workers: 2 }), recordsPerShare });
      const records = await recordsOf(await double(data));
      const { id, version } = await theSent(storage);
      const parts = partsOf(folder, version);
      await storage.delete(id, version);
      for (let run = 0; run < runs(20); run++) {
        const deadly = Array.from({ length: 2 }, () => Math.floor(random() * data.length));
        const dying = send({
          module: new URL('./modules/dying.mjs', import.meta.url),
          export: 'killing',
          hardware: hardware(2),
          recordsPerShare,
        });
        expect(await recordsOf(await dying(data, tempFolder(), deadly))).toEqual(records);
        await storage.vacuum({ graceMs: 0 });
        const made = await theSent(storage);
        expect(partsOf(folder, made.version)).toEqual(parts);
        await storage.delete(made.id, made.version);
      }
    });

    test('end with an abort', async () => {
      const log = join(tempFolder(), 'log');
      writeFileSync(log, '');
      const abort = new AbortController();
      const never = send({ module, export: 'never', hardware: hardware(2) });
      const ended = never.with({ signal: abort.signal })(log);
      while (readFileSync(log, 'utf8') === '') await new Promise((resolve) => setTimeout(resolve, 20));
      abort.abort(new Error('enough'));
      await expect(ended).rejects.toThrow('enough');
    });
  });
}
