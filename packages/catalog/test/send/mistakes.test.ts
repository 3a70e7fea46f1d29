import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { deserialize } from 'node:v8';
import { describe, expect, test } from '@jest/globals';
import type { ErrorCode } from '@dataref/core';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { local, runTask, send, type Hardware, type SendOptions } from '@dataref/catalog';
import { failure } from '../../../core/test/expect-error.js';
import { MODULE as module, storedRecords } from './sent.js';

const hardware = local({ workers: 2 });
const { data } = await storedRecords(200);

describe('what a function does wrong is told by', () => {
  const sent: [string, Partial<SendOptions>, ErrorCode, RegExp, number?][] = [
    [
      'the record that it throws on',
      { export: 'failing' },
      'MAP_FAILED',
      /failing of functions\.mjs failed on x@1, record 137: no 137, please/,
      137,
    ],
    [
      'the batch that it throws on',
      { export: 'failingBatch', input: 'batch', batchSize: 10 },
      'MAP_FAILED',
      /x@1, records 128 to 137: no 137/,
      128,
    ],
    [
      'the record whose result is of another schema',
      { export: 'changing' },
      'SCHEMA_MISMATCH',
      /what changing of functions\.mjs gave for x@1, record 150: n is float64/,
      150,
    ],
    [
      'the records whose results are, where none before them is in their share',
      { export: 'changing', recordsPerShare: 50 },
      'SCHEMA_MISMATCH',
      /x@1, records (0 to 49|50 to 99|100 to 149|150 to 199): /,
    ],
    [
      'the records of a share in which a batch gets other rows than it has',
      { export: 'evens', input: 'batch', recordsPerShare: 200 },
      'INVALID_ARGUMENT',
      /evens of functions\.mjs gave for x@1, records 0 to 199: .*n has 100 rows, the others have 200/,
    ],
    [
      'the record whose result is none',
      { export: 'empty' },
      'NULL_VALUE',
      /empty of functions\.mjs gave for x@1, record 70/,
      70,
    ],
    [
      'the record whose array is of another size',
      { export: 'upTo', recordsPerShare: 200 },
      'RAGGED',
      /record 1: .*null/,
      1,
    ],
  ];
  test.each(sent)('%s', async (...[, options, code, message, index]) => {
    const failing = send({ module, hardware, recordsPerShare: 128, ...options });
    const error: any = await failing(data).catch((reason: unknown) => reason);
    expect(error).toEqual(failure(code, message));
    if (index !== undefined) expect(error.details.index).toBe(index);
  });

  test('its own error and stack, from where it ran', async () => {
    const error: any = await send({ module, export: 'thrown', hardware })().catch((reason: unknown) => reason);
    expect(error).toEqual(failure('MAP_FAILED', /thrown far away/));
    expect(error.cause).toMatchObject({ name: 'TypeError', message: 'thrown far away' });
    expect(error.cause.stack).toMatch(/at thrown .*functions\.mjs:\d+/u);
    const item: any = await send({ module, export: 'thrown', hardware })
      .map([1, 2])
      .catch((reason: unknown) => reason);
    expect(item.message).toMatch(/failed on item [01]: thrown far away/u);
  });

  test('what it throws, though that makes no text', async () => {
    const thrownOdd = send({ module, export: 'thrownOdd', hardware });
    await expect(thrownOdd(false)).rejects.toEqual(failure('MAP_FAILED', /failed on its call: \[object Object\]/));
    await expect(thrownOdd(true)).rejects.toEqual(failure('MAP_FAILED', /failed on its call: odd/));
  });

  test('what it gives and is given, where that cannot be sent', async () => {
    await expect(send({ module, export: 'unsendable', hardware })()).rejects.toEqual(
      failure('MAP_FAILED', /could not be cloned/),
    );
    await expect(send({ module, hardware })(() => 1)).rejects.toEqual(
      failure('INVALID_ARGUMENT', /must be data.*got a function/),
    );
  });

  test('that it is too large for one message, and what to do', async () => {
    await expect(send({ module, export: 'tooLarge', hardware })()).rejects.toEqual(
      failure('OUT_OF_RANGE', /what tooLarge of functions\.mjs gave on its call is more than 4 GiB.*give less at once/),
    );
    const { tooLarge } = (await import(module.href)) as { tooLarge: () => object };
    await expect(send({ module, hardware })(tooLarge())).rejects.toEqual(
      failure(
        'OUT_OF_RANGE',
        /arguments of the default export of functions\.mjs are more than 4 GiB.*give less at once/,
      ),
    );
  });

  test('its worker, where it ends that three times', async () => {
    await expect(send({ module, export: 'exits', hardware })()).rejects.toEqual(
      failure('MAP_FAILED', /process\.exit\(3\)/),
    );
    await expect(send({ module, export: 'dies', hardware })()).rejects.toEqual(
      failure('WORKER_DIED', /its worker ended 3 times.*out of nowhere/),
    );
    await expect(send({ module, export: 'dies', hardware })(data)).rejects.toEqual(
      failure('WORKER_DIED', /x@1, records \d+ to \d+: its worker ended 3 times/),
    );
  });

  test('its worker, and not those that end with it', async () => {
    /** As under mpirun: who dies takes the others along, the innocent first. */
    const together = (isDeadly: (args: readonly unknown[], running: number) => boolean): Hardware => {
      const running = new Set<(reason: Error) => void>();
      const run = (task: Uint8Array) =>
        new Promise<Uint8Array>((resolve, reject) => {
          running.add(reject);
          const { args } = deserialize(task) as { args: unknown[] };
          setImmediate(() => {
            if (!running.has(reject)) return; // it has ended with another
            if (isDeadly(args, running.size)) {
              for (const end of running) end(new Error('all ranks end'));
              running.clear();
            } else {
              running.delete(reject);
              void runTask(task).then(resolve);
            }
          });
        });
      return { kind: 'together', workers: 3, isInProcess: true, open: async () => ({ run, close: async () => {} }) };
    };
    const deadly = together(([n]) => n === 2);
    await expect(send({ module, export: 'add', hardware: deadly }).map([0, 1, 2, 3, 4])).rejects.toEqual(
      failure('WORKER_DIED', /on item 2: its worker ended 3 times, at last when nothing else ran/),
    );
    const crowded = together((_, running) => running > 1);
    expect(await send({ module, export: 'add', hardware: crowded }).map([0, 1, 2, 3, 4])).toEqual([0, 1, 2, 3, 4]);
  });

  test('its worker, which is out of memory', () => {
    const program = fileURLToPath(new URL('./modules/filling.mjs', import.meta.url));
    expect(execFileSync(process.execPath, ['--max-old-space-size=64', program], { encoding: 'utf8' })).toMatch(
      /^WORKER_DIED: send: fills of functions\.mjs on its call: its worker ended 3 times, .*out of memory/u,
    );
  });
});

describe('before anything runs, a send refuses', () => {
  const bad: [string, object, RegExp][] = [
    ['no module', { module: undefined }, /module must be the file: URL/],
    ['a path', { module: './x.js' }, /module must be the file: URL/],
    ['a URL that is no path', { module: 'file:///a%zz.mjs' }, /module must be the file: URL/],
    ['a file of another machine', { module: 'file://far/x.mjs' }, /module must be the file: URL/],
    ['an unknown option', { hardwear: 1 }, /unknown option "hardwear"/],
    ['no hardware', { hardware: {} }, /hardware must be local\(\)/],
    ['another input', { input: 'row' }, /send: input must be one of "record", "batch"/],
    ['batches of records', { batchSize: 3 }, /batchSize is for input: 'batch'/],
    [
      'an environment of numbers, whose values it does not show',
      { env: { A: 1 } },
      /env must be an object of strings; "A" is none$/,
    ],
    ['no storage', { storage: {} }, /send: storage needs a storage/],
    ['no records in a share', { recordsPerShare: 0 }, /recordsPerShare must be an integer/],
  ];
  test.each(bad)('%s', (_, options, message) => {
    expect(() => send({ module, ...options })).toThrow(failure('INVALID_ARGUMENT', message));
  });

  test('fewer than one worker', () => {
    expect(() => local({ workers: 0 })).toThrow(failure('INVALID_ARGUMENT', /local: workers must be an integer/));
  });
});

describe('a function that cannot be found', () => {
  test('is told with those that there are', async () => {
    await expect(send({ module, export: 'doubel', hardware })(data)).rejects.toEqual(
      failure('INVALID_ARGUMENT', /doubel is not exported by .*it exports add, .*did you mean "double"/),
    );
    await expect(send({ module, export: 'notAFunction', hardware })()).rejects.toEqual(
      failure('INVALID_ARGUMENT', /notAFunction is no function/),
    );
    const missing = new URL('./modules/none.mjs', import.meta.url);
    await expect(send({ module: missing, hardware })()).rejects.toEqual(
      failure('INVALID_ARGUMENT', /none\.mjs could not be loaded by a worker/),
    );
    await expect(send({ module: missing, hardware })(data)).rejects.toEqual(
      failure('INVALID_ARGUMENT', /none\.mjs cannot be read/),
    );
  });
});

test('a storage that workers cannot open is refused for results', async () => {
  const storage = new ObjectStorage(new MemoryStore());
  await expect(send({ module, hardware, storage })(data)).rejects.toEqual(
    failure('UNSUPPORTED', /give one that they can, a FileStorage/),
  );
});

test('records without any, of which nothing tells the schema of results', async () => {
  await expect(send({ module, hardware })(data.slice(0, 0))).rejects.toEqual(
    failure('EMPTY', /give send one, \{ schema \}/),
  );
});
