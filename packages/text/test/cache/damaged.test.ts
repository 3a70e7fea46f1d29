import { cpSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { seal } from '@dataref/core/adapter';
import { failure } from '../../../core/test/expect-error.js';
import { tempFolder } from '../../../core/test/temp-folder.js';
import { findCache } from '../../dist/cache/cache-folder.js';
import { build, filesOf, sourceOf, textRows } from './build.js';

jest.setTimeout(120_000);
const rows = { train: textRows(1000) };
let whole: Record<string, string>;
let aborted: string;
beforeAll(async () => {
  whole = filesOf((await build(tempFolder(), sourceOf(rows))).path);
  aborted = await abortedBuild();
});

/** A folder in which a build was aborted. */
async function abortedBuild(): Promise<string> {
  const directory = tempFolder();
  const controller = new AbortController();
  const building = build(directory, sourceOf(rows), {
    signal: controller.signal,
    onProgress: ({ phase }) => phase === 'write' && controller.abort(),
  });
  await expect(building).rejects.toMatchObject({ name: 'AbortError' });
  return directory;
}

/** A copy of that folder, and the parts in it. */
function begun(): { readonly directory: string; readonly parts: readonly string[] } {
  const directory = tempFolder();
  cpSync(aborted, directory, { recursive: true });
  const parts = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.part'));
  expect(parts.length).toBeGreaterThan(2);
  return { directory, parts: parts.sort().map((name) => join(directory, name)) };
}

async function resumed(directory: string, unitRows = 50) {
  const units: string[] = [];
  const { path } = await build(directory, sourceOf(rows, { unitRows, onUnit: (_, id) => units.push(id) }));
  expect(filesOf(path)).toEqual(whole);
  return units;
}

test('parts that are whole are taken, all of them', async () => {
  const { directory } = begun();
  expect(await resumed(directory)).toEqual([]);
});

test.each([0, 20_000, -5, -1])('a part with another byte %d is encoded again, and those after it', async (at) => {
  const { directory, parts } = begun();
  const part = parts[1] as string;
  const bytes = readFileSync(part);
  const place = at < 0 ? bytes.length + at : at;
  bytes[place] = (bytes[place] as number) ^ 1;
  writeFileSync(part, bytes);
  const units = await resumed(directory);
  expect(units[0]).toBe(String(Number(/(\d+)\.part$/u.exec(part)?.[1]) * 50));
});

test.each([0, 3, 100])('a part that was cut short to %d bytes is encoded again', async (length) => {
  const { directory, parts } = begun();
  truncateSync(parts[0] as string, length);
  expect((await resumed(directory))[0]).toBe('0');
});

test('parts of units that were cut otherwise are not taken', async () => {
  const { directory } = begun();
  expect(await resumed(directory, 70)).toHaveLength(Math.ceil(1000 / 70));
});

test('a cache with a file cut short, or missing, or a changed config is refused when it is opened', async () => {
  const directory = tempFolder();
  const { path } = await build(directory, sourceOf({ train: textRows(50) }));
  expect((await findCache(directory, undefined)).path).toBe(path);
  const config = join(path, 'config.json');
  const text = readFileSync(config, 'utf8');
  for (const [changed, code, message] of [
    [text.replace('"splitSeed": 42', '"splitSeed": 43'), 'CORRUPT', /config\.json: its checksum is/u],
    [text.slice(0, 100), 'CORRUPT', /is no JSON/u],
    ['{"format":"other"}', 'CORRUPT', /is no config of a token cache/u],
  ] as const) {
    writeFileSync(config, changed);
    await expect(findCache(directory, undefined)).rejects.toEqual(failure(code, message));
    await expect(build(directory, sourceOf({ train: textRows(50) }))).rejects.toEqual(failure(code, message));
  }
  writeFileSync(config, text);
  for (const file of ['train.npy', 'test.documents.npy']) {
    const bytes = readFileSync(join(path, file));
    truncateSync(join(path, file), bytes.length - 2);
    const refusal = failure('CORRUPT', new RegExp(`${file}: has`, 'u'));
    await expect(findCache(path, undefined)).rejects.toEqual(refusal);
    await expect(build(directory, sourceOf({ train: textRows(50) }))).rejects.toEqual(refusal);
    writeFileSync(join(path, file), bytes);
  }
});

test('a sealed config that lacks what one has is refused', async () => {
  const directory = tempFolder();
  const { path } = await build(directory, sourceOf({ train: textRows(50) }));
  const file = join(path, 'config.json');
  const { crc32: _crc32, ...config } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const sealed = (value: object) => writeFileSync(file, seal(JSON.stringify(value, undefined, 2).slice(0, -2)));
  sealed(config);
  expect((await findCache(directory, undefined)).path).toBe(path);
  const none = { tokens: -1, documents: 0 };
  for (const changes of [
    { splits: undefined },
    { splits: { train: none, validation: none, test: none } },
    { dtype: 'float32' },
    { tokenizer: null },
    { settings: 5 },
    { origin: null },
  ]) {
    sealed({ ...config, ...changes });
    await expect(findCache(directory, undefined)).rejects.toEqual(failure('CORRUPT', /lacks what a config/u));
  }
});

test('a folder with several caches names them, one without says so', async () => {
  const directory = tempFolder();
  await expect(findCache(directory, undefined)).rejects.toEqual(failure('NOT_FOUND', /no token cache here/u));
  await expect(findCache(join(directory, 'none'), undefined)).rejects.toEqual(failure('NOT_FOUND', /none/u));
  const one = await build(directory, sourceOf({ train: textRows(50) }));
  const other = await build(directory, sourceOf({ train: textRows(60) }));
  const several = findCache(directory, undefined);
  await expect(several).rejects.toEqual(failure('INVALID_ARGUMENT', /there are 2 token caches/u));
  await expect(several).rejects.toMatchObject({ details: { caches: [one.path, other.path].sort() } });
  expect((await findCache(other.path, undefined)).path).toBe(other.path);
});
