import { cpSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, jest, test } from '@jest/globals';
import { isDataRefError } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { openCatalog } from '@dataref/catalog';
import { failure } from '../../core/test/expect-error.js';
import { announceSeed, randomOf, runs } from '../../core/test/scale.js';
import { tempFolder } from '../../core/test/temp-folder.js';
import { recordsOf } from './table-behaviours.js';

jest.setTimeout(600_000);
const random = randomOf(announceSeed('catalog/record-file'));
const GOLDEN = fileURLToPath(new URL('golden', import.meta.url));
const RECORD = 'catalog%/team%2Freviews/record.json';

test('a catalog of release 0.1 is read as it was saved', async () => {
  const catalog = openCatalog(new FileStorage(GOLDEN));
  const names: string[] = [];
  for await (const { name, version, tags } of catalog.list()) names.push([name, version, ...tags].join(' '));
  expect(names).toEqual(['linked 1', 'model 1 best', 'team/reviews 2']);
  const records = await recordsOf(await catalog.load('team/reviews'));
  expect(records.map(({ text, label }) => `${text} ${label}`)).toEqual(['good 1', 'fine 1', 'bad 0', 'better 1']);
  const first = await catalog.load('team/reviews@first');
  expect([first.length, first.fingerprint, first.info.metadata]).toEqual([
    3,
    first.info.fingerprint,
    { source: 'by hand' },
  ]);
  expect(await (await catalog.load('linked')).at(0)).toEqual({ text: 'linked', label: 9 });
  expect(new TextDecoder().decode(await catalog.loadBlob('model@best'))).toBe('model');
  await expect(catalog.loadBlob('draft')).rejects.toThrow(failure('NOT_FOUND', /renamed to "model"/u));
});

test('a byte of a record that is another, or missing, is told, and nothing is taken for something else', async () => {
  const folder = tempFolder();
  cpSync(GOLDEN, folder, { recursive: true });
  const whole = readFileSync(join(folder, RECORD));
  const catalog = openCatalog(new FileStorage(folder));
  for (let run = 0; run < runs(2_000); run++) {
    const damaged = Buffer.from(whole);
    const at = Math.floor(random() * whole.length);
    damaged[at] = (damaged[at] as number) ^ (1 + Math.floor(random() * 255));
    writeFileSync(join(folder, RECORD), random() < 0.2 ? whole.subarray(0, at) : damaged);
    const error: unknown = await catalog.history('team/reviews').catch((reason: unknown) => reason);
    expect([at, isDataRefError(error, 'CORRUPT')]).toEqual([at, true]);
  }
});

test.each<[string, RegExp, string, 'CORRUPT' | 'UNSUPPORTED', RegExp]>([
  ['another format version', /"formatVersion": 1/u, '"formatVersion": 2', 'UNSUPPORTED', /newer release/u],
  ['another name', /"name": "team\/reviews"/u, '"name": "other"', 'CORRUPT', /another name/u],
  ['segments that there are not', /\[\[0,3\]\]/u, '[[0,4]]', 'CORRUPT', /segments that there are not/u],
  ['no segments', /\[\[0,3\]\]/u, '[]', 'CORRUPT', /without segments/u],
  ['another length', /"length":4/u, '"length":5', 'CORRUPT', /another length/u],
  ['versions out of order', /"version":2/u, '"version":1', 'CORRUPT', /out of order/u],
  ['a tag of nothing', /"first": 1/u, '"first": 9', 'CORRUPT', /tag of no version/u],
  ['a segment of no partition', /"values":\["0"\]/u, '"values":[]', 'CORRUPT', /no partition/u],
  ['a malformed schema', /"dtype":"string"/u, '"dtype":"strong"', 'CORRUPT', /malformed schema/u],
  [
    'a dataset of its user’s as its own',
    /"id":"catalog:team\/reviews"/u,
    '"id":"mnist"',
    'CORRUPT',
    /none of a catalog/u,
  ],
  ['neither kind', /"kind":"table"/u, '"kind":"view"', 'CORRUPT', /neither a table nor a blob/u],
  ['a token of another form', /"token":"3/u, '"token":"x', 'CORRUPT', /token is malformed/u],
])('a record with %s is refused, though its checksum is right', async (_, part, instead, code, message) => {
  const folder = tempFolder();
  cpSync(GOLDEN, folder, { recursive: true });
  rewrite(join(folder, RECORD), part, instead);
  const read = openCatalog(new FileStorage(folder)).history('team/reviews');
  await expect(read).rejects.toThrow(failure(code, message));
});

test('nothing is allocated on a record’s word, and a blob larger than any array says how it is read', async () => {
  const folder = tempFolder();
  cpSync(GOLDEN, folder, { recursive: true });
  rewrite(join(folder, 'catalog%/model/record.json'), /"byteLength":5/u, `"byteLength":${2 ** 42}`);
  const catalog = openCatalog(new FileStorage(folder));
  await expect(catalog.loadBlob('model')).rejects.toThrow(failure('CORRUPT', /has 5 bytes, it was saved with/u));
  const [blob] = readdirSync(join(folder, 'catalog%/draft')).filter((name) => name.endsWith('.blob'));
  truncateSync(join(folder, 'catalog%/draft', blob as string), 2 ** 42);
  await expect(catalog.loadBlob('model')).rejects.toThrow(failure('MEMORY_LIMIT', /use blobStream/u));
});

/** A record with something else in it, and the right checksum. */
function rewrite(path: string, part: RegExp, instead: string): void {
  const text = readFileSync(path, 'utf8').replace(part, instead);
  const body = text.slice(0, text.lastIndexOf(',\n  "crc32"'));
  writeFileSync(path, `${body},\n  "crc32": ${crcOf(body)}\n}\n`);
}

/** CRC-32 as docs/catalog.md has it, of a text's UTF-8. */
function crcOf(text: string): number {
  let crc = 0xffffffff;
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
