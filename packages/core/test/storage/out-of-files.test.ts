import { expect, jest, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FileStorage } from '@dataref/core/fs';
import { fromColumns } from '@dataref/core';
import { announceSeed, randomOf, scale } from '../scale.js';
import { tempFolder } from '../temp-folder.js';

jest.setTimeout(300_000);

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

/** Does one thing where so many files are left to open, and again once there are enough; prints what came of both. */
const PROGRAM = `
import fs from 'node:fs';
import { fromColumns } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
const [, folder, what, free] = process.argv;
const storage = new FileStorage(folder);
const data = () => fromColumns({ n: new Int32Array(2) });
let shares = 0;
const share = async () => {
  const writer = storage.writer('share', String(++shares), { part: 0, of: 1 });
  await writer.submit(data());
  await writer.whole();
};
const calls = {
  submit: () => storage.submit(data(), 'new', '1'),
  verify: () => storage.verify('a', '1'),
  vacuum: () => storage.vacuum(),
  delete: () => storage.delete('b', '1'),
  cacheable: () => storage.cacheable('built', '1', data),
  copy: () => storage.copy('a', '1', new FileStorage(folder + '/../copies')),
  share,
};
const outcome = () => calls[what]().then(() => 'well', (error) => (error.name === 'DataRefError' ? error.code : error.stack));
const files = [];
try {
  for (;;) files.push(fs.openSync('/dev/null'));
} catch (error) {
  if (error.code !== 'EMFILE') throw error; // else there are none left, as wanted
}
for (let i = 0; i < Number(free); i++) fs.closeSync(files.pop());
const short = await outcome();
for (const file of files) fs.closeSync(file);
process.stdout.write(JSON.stringify([short, await outcome()]));
process.exit();
`;

/** Files left to open: for some of what is to be loaded, and for some of what is to be read and written. */
const some = [12, 41, 60, 97];
const random = randomOf(announceSeed('storage/out-of-files'));
const CALLS = ['submit', 'verify', 'vacuum', 'delete', 'cacheable', 'copy', 'share'];
const oneOf = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
/** Below scale 1, what is done with some files left too, and not only with none. */
const chosen = oneOf(CALLS);

test.each(CALLS)('%s without files left to open is STORE_FAILED, and goes well once there are some', async (what) => {
  for (const free of [0, ...(scale >= 1 ? some : what === chosen ? [oneOf(some)] : [])]) {
    const folder = join(tempFolder(), 'datasets');
    for (const id of ['a', 'b']) await new FileStorage(folder).submit(fromColumns({ n: new Int32Array(5) }), id, '1');
    const run = 'ulimit -n 256 && exec "$0" --input-type=module -e "$1" "$2" "$3" "$4"';
    const { stdout, stderr } = spawnSync('sh', ['-c', run, process.execPath, PROGRAM, folder, what, String(free)], {
      cwd: PACKAGE,
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect([what, free, stderr, stdout]).toEqual([
      what,
      free,
      '',
      expect.stringMatching(free === 0 ? /^\["STORE_FAILED","well"\]$/u : /^\["(?:STORE_FAILED|well)","well"\]$/u),
    ]);
  }
});
