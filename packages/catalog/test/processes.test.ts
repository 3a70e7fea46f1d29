import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, jest, test } from '@jest/globals';
import { FileStorage } from '@dataref/core/fs';
import { openCatalog } from '@dataref/catalog';
import { announceSeed, randomOf, runs, scale } from '../../core/test/scale.js';
import { tempFolder } from '../../core/test/temp-folder.js';

jest.setTimeout(900_000);
const random = randomOf(announceSeed('catalog/processes'));
/** How many save at once. */
const OF = scale < 1 ? 6 : 16;
/** The longest until a kill. */
const KILL_MS = scale < 1 ? 500 : 1500;
const running = new Set<ChildProcess>();
afterAll(() => running.forEach((child) => child.kill('SIGKILL')));

interface Ended {
  readonly lines: readonly string[];
  readonly errors: string;
}

function start(args: readonly string[], onLine: (line: string, child: ChildProcess) => void): Promise<Ended> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('catalog-process.mjs', import.meta.url)), ...args]);
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

/** Every save that is in the catalog, once for each version that has it. */
async function contentsOf(folder: string, names: readonly string[]): Promise<string[]> {
  const catalog = openCatalog(new FileStorage(folder));
  const contents: string[] = [];
  for (const name of names) {
    if (!(await catalog.has(name))) continue;
    const versions = (await catalog.history(name)).map(({ version }) => version);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    for (const version of versions) contents.push((await (await catalog.load(`${name}@${version}`)).at(0)).content);
  }
  return contents;
}

test(`${OF} processes that save, append and rename at once: every save is in one history, and every append in the table`, async () => {
  const saves = Math.max(2, runs(10));
  const folder = tempFolder();
  await openCatalog(new FileStorage(folder)).save('log', [{ content: 'first' }]);
  const ready: ChildProcess[] = [];
  const ended = await Promise.all(
    Array.from({ length: OF }, (_, rank) =>
      start([folder, String(rank), String(saves)], (line, child) => {
        if (line !== 'ready' || ready.push(child) < OF) return;
        for (const one of ready) one.stdin?.write('go\n');
      }),
    ),
  );
  expect(ended.map(({ errors }) => errors)).toEqual(Array(OF).fill(''));
  const all = Array.from({ length: OF * saves }, (_, i) => `${i % OF}-${Math.floor(i / OF)}`).sort();
  expect((await contentsOf(folder, ['shared', 'moved'])).sort()).toEqual(all);
  const catalog = openCatalog(new FileStorage(folder));
  const log = await catalog.load('log');
  expect([log.info.version, log.length]).toEqual([OF * saves + 1, OF * saves + 1]);
  const { columns } = await log.read(Array.from({ length: log.length }, (_, i) => i));
  expect([...(columns as { content: string[] }).content].sort()).toEqual([...all, 'first'].sort());
});

test('processes that are killed while they save and rename lose nothing that was acknowledged, and vacuum takes the rest', async () => {
  const folder = tempFolder();
  const storage = new FileStorage(folder);
  const catalog = openCatalog(storage);
  await catalog.save('log', [{ content: 'first' }]);
  const saved = new Set<string>();
  const appended = new Set<string>();
  for (let kill = 0; kill < runs(40); kill++) {
    const together = Array.from({ length: 2 }, (_, i) =>
      start([folder, `${kill}.${i}`, '1000'], (line, child) => {
        if (line === 'ready') {
          child.stdin?.write('go\n');
          setTimeout(() => child.kill('SIGKILL'), random() * KILL_MS);
        }
      }),
    );
    for (const { lines, errors } of await Promise.all(together)) {
      expect(errors).toBe('');
      for (const line of lines) {
        const [what, content] = line.split(' ') as [string, string];
        if (what === 'saved') saved.add(content);
        if (what === 'appended') appended.add(content);
      }
    }
    await catalog.vacuum();
    const contents = await contentsOf(folder, ['shared', 'moved']);
    expect(new Set(contents).size).toBe(contents.length);
    expect([...saved].filter((content) => !contents.includes(content))).toEqual([]);
    const log = await catalog.load('log');
    const { columns } = await log.read(Array.from({ length: log.length }, (_, i) => i));
    const logged = (columns as { content: string[] }).content;
    expect(new Set(logged).size).toBe(logged.length);
    expect([...appended].filter((content) => !logged.includes(content))).toEqual([]);
  }
  for (const name of ['shared', 'moved', 'log']) await catalog.delete(name);
  await catalog.vacuum({ graceMs: 0 });
  await storage.vacuum({ graceMs: 0 });
  const left: string[] = [];
  for await (const { id } of storage.list()) left.push(id);
  expect(left).toEqual([]);
});
