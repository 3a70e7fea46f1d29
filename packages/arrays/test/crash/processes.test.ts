import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, jest, test } from '@jest/globals';
import { FileStorage } from '@dataref/core/fs';
import { openArrays } from '@dataref/arrays';
import { announceSeed, randomOf, runs, scale } from '../../../core/test/scale.js';
import { listing, tempFolder } from '../../../core/test/temp-folder.js';

jest.setTimeout(600_000);
const random = randomOf(announceSeed('arrays/processes'));
const running = new Set<ChildProcess>();
afterAll(() => running.forEach((child) => child.kill('SIGKILL')));

interface Ended {
  readonly lines: readonly string[];
  readonly errors: string;
}

function start(
  script: string,
  args: readonly string[],
  onLine: (line: string, child: ChildProcess) => void,
): Promise<Ended> {
  const child = spawn(process.execPath, [fileURLToPath(new URL(script, import.meta.url)), ...args]);
  running.add(child);
  const lines: string[] = [];
  let errors = '';
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line);
    onLine(line, child);
  });
  return new Promise((resolve) => {
    child.on('close', () => {
      running.delete(child);
      resolve({ lines, errors });
    });
  });
}

const WRITERS = scale < 1 ? 4 : 8;

test(`${WRITERS} processes that write by turns into the same chunks, and append to one array, lose nothing`, async () => {
  const of = WRITERS;
  for (let round = 0; round < runs(10); round++) {
    const folder = tempFolder();
    const arrays = openArrays(new FileStorage(folder));
    const shared = await arrays.array('shared', { shape: [256], chunk: [64], dtype: 'int32' });
    await arrays.array('log', { shape: [0, 2], chunk: [16, 2], dtype: 'int32' });
    const ready: ChildProcess[] = [];
    const ended = await Promise.all(
      Array.from({ length: of }, (_, rank) =>
        start('interleaved-writer.mjs', [folder, String(rank), String(of)], (line, child) => {
          if (line !== 'ready' || ready.push(child) < of) return;
          for (const one of ready) one.stdin?.write('go\n');
        }),
      ),
    );
    expect(ended.map(({ errors }) => errors)).toEqual(Array(of).fill(''));
    expect(Array.from((await shared.get([])).data)).toEqual(Array.from({ length: 256 }, (_, i) => (i % of) + 1));
    const log = await arrays.openArray('log');
    const { data } = (await log.get([])) as { readonly data: Int32Array };
    const said = ended.flatMap(({ lines }, rank) =>
      lines.filter((line) => line.startsWith('at ')).map((line, i) => ({ at: Number(line.slice(3)), rank, i })),
    );
    expect([log.shape, said.length]).toEqual([[4 * of, 2], 4 * of]);
    for (const { at, rank, i } of said) expect([at, data[2 * at], data[2 * at + 1]]).toEqual([at, rank, i]);
  }
});

test('two processes that replace one array at once leave that of one of them, whole, and the other is told', async () => {
  for (let round = 0; round < runs(20); round++) {
    const folder = tempFolder();
    const arrays = openArrays(new FileStorage(folder));
    const ready: ChildProcess[] = [];
    const ended = await Promise.all(
      [0, 1].map((rank) =>
        start('replacer.mjs', [folder, String(rank), '5'], (line, child) => {
          if (line !== 'ready' || ready.push(child) < 2) return;
          for (const one of ready) one.stdin?.write('go\n');
        }),
      ),
    );
    expect(ended.map(({ errors }) => errors)).toEqual(['', '']);
    const lasts = ended.map(({ lines }) => lines.at(-1) ?? '');
    const array = await arrays.openArray('x');
    const { data } = (await array.get([])) as { readonly data: Int32Array };
    const [tag, ...others] = new Set(data);
    expect(others).toEqual([]);
    expect(lasts).toContain(`wrote ${tag}`);
    expect(Array.from({ length: 8 }, () => [1 + ((tag as number) % 4)])).toEqual(
      await Promise.all(Array.from({ length: 8 }, (_, i) => array.shapeOf(i))),
    );
    expect(listing(join(folder, 'arrays%')).filter((path) => path.endsWith('zarr.json'))).toHaveLength(2);
  }
});

test('a process that is killed while it writes leaves every chunk as it was, or as it was to be', async () => {
  const folder = tempFolder();
  const storage = new FileStorage(folder);
  const shape = [40, 500] as const;
  const array = await openArrays(storage).array('killed', {
    shape,
    chunk: [10, 500],
    dtype: 'int32',
    compress: 'none',
  });
  let tag = 0;
  for (let kill = 0; kill < runs(60); kill++) {
    let timer: NodeJS.Timeout | undefined;
    const { lines, errors } = await start('chunk-writer.mjs', [folder, String(tag + 1)], (_, child) => {
      timer ??= setTimeout(() => child.kill('SIGKILL'), random() * 300);
    });
    clearTimeout(timer);
    expect(errors).toBe('');
    const numbers = (word: string): number[] =>
      lines.filter((line) => line.startsWith(word)).map((line) => Number(line.split(' ')[1]));
    const done = numbers('done').at(-1) ?? tag;
    const begun = numbers('begin').at(-1) ?? tag;
    const { data } = await array.get([]);
    for (let row = 0; row < 40; row++) {
      const values = new Set(data.subarray(row * 500, row * 500 + 500));
      // A row is written at once, and a chunk whose rows are written by turns has rows of both.
      expect(values.size).toBe(1);
      expect([tag, done, begun]).toContain([...values][0]);
      expect([...values][0]).toBeGreaterThanOrEqual(done);
      if (begun % 2 === 0) expect(data[row * 500]).toBe(data[Math.floor(row / 10) * 5000]);
    }
    tag = begun;
    await array.set([], tag);
    await storage.vacuum({ graceMs: 0 });
  }
});
