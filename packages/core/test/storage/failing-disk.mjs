// Does things, each on a disk whose call number N fails with EIO, for every so many N until none does; prints what came of each.
// node failing-disk.mjs FOLDER WORKS: a JSON list of { what, howLong, first, every }; work i is in FOLDER/i, each call in a folder there
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';

const [, , root, list] = process.argv;
let calls = 0;
let failsAt = Infinity;
let staysBroken = false;
const fail = (syscall) => Object.assign(new Error(`EIO: i/o error, ${syscall}`), { code: 'EIO', errno: -5, syscall });
/** Counts a call. @returns its failure, where it is the one that fails, or comes after it on a disk that stays broken */
const failure = (syscall) => (++calls === failsAt || (staysBroken && calls > failsAt) ? fail(syscall) : undefined);

for (const name of ['mkdir', 'rename', 'link', 'unlink', 'rmdir', 'readdir', 'lstat', 'open']) {
  const own = fs.promises[name];
  fs.promises[name] = async (...args) => {
    const error = failure(name);
    if (error !== undefined) throw error;
    const given = await own(...args);
    return name === 'open' ? failing(given) : given;
  };
}
function failing(handle) {
  for (const [name, syscall] of [
    ['write', 'write'],
    ['sync', 'fsync'],
    ['read', 'read'],
    ['readFile', 'read'],
    ['stat', 'fstat'],
  ]) {
    const own = handle[name].bind(handle);
    handle[name] = async (...args) => {
      const error = failure(syscall);
      // Half of it is there already.
      if (error !== undefined && name === 'write') await own(args[0], args[1], Math.floor(args[2] / 2), args[3]);
      if (error !== undefined) throw error;
      return own(...args);
    };
  }
  return handle;
}
for (const name of ['open', 'read', 'fstat']) {
  const own = fs[name];
  fs[name] = (...args) => {
    const error = failure(name);
    if (error === undefined) own(...args);
    else process.nextTick(args.at(-1), error);
  };
}
for (const name of ['openSync', 'readSync', 'fstatSync']) {
  const own = fs[name];
  fs[name] = (...args) => {
    const error = failure(name.slice(0, -4));
    if (error !== undefined) throw error;
    return own(...args);
  };
}
syncBuiltinESMExports();

const { FileStorage } = await import('@dataref/core/fs');
const { fromColumns, ndarray } = await import('@dataref/core');
const dataset = (start, length) =>
  fromColumns({
    n: Int32Array.from({ length }, (_, i) => start + i),
    image: ndarray(new Uint8Array(40 * length).fill(start), [length, 40]),
    text: Array.from({ length }, (_, i) => `${start + i}`),
  });
const [old, young] = [dataset(1, 20), dataset(50, 30)];

async function streamed(storage) {
  const dataref = await storage.fetch('a', '1');
  for await (const { length } of dataref.stream({ shuffle: true, shuffleSeed: 1 }).batch(4)) if (length < 4) break;
}
const works = {
  'submit over another': (storage) => storage.submit(young, 'a', '1'),
  'submit where there is none': (storage) => storage.submit(young, 'a', '1', { ifExists: 'error' }),
  'write a share': (storage) => storage.writer('a', '1', { part: 0, of: 1 }).submit(young),
  build: (storage) => storage.cacheable('a', '1', () => young),
  'read a record': async (storage) => (await storage.fetch('a', '1')).at(3),
  stream: (storage) => streamed(storage),
  verify: async (storage) => {
    const { problems } = await storage.verify('a', '1');
    if (problems.length > 0) throw problems[0];
  },
};
/** Which of the datasets is there, whole. */
async function found(storage) {
  if (!(await storage.has('a', '1'))) return 'none';
  const { ok, problems } = await storage.verify('a', '1');
  if (!ok) return `damaged: ${problems[0].message}`;
  const { fingerprint } = await storage.info('a', '1');
  return { [old.fingerprint]: 'old', [young.fingerprint]: 'young' }[fingerprint];
}

const outcome = (promise) =>
  promise.then(
    () => ({ is: 'well' }),
    (error) => ({ is: error.name === 'DataRefError' ? error.code : 'foreign', message: error.stack }),
  );

// What a process learns once, such as whose host this is, is known before: /proc does not fail.
await new FileStorage(join(root, 'first')).submit(old, 'a', '1');

async function outcomesOf(folderOfWork, { what, howLong, first, every }) {
  const isThereBefore = what.includes('over') || ['read a record', 'stream', 'verify'].includes(what);
  staysBroken = howLong === 'always';
  const outcomes = [];
  for (let at = first, isLast = false; !isLast; at += every) {
    const folder = join(folderOfWork, String(at));
    if (isThereBefore) await new FileStorage(folder).submit(old, 'a', '1');
    const storage = new FileStorage(folder, what === 'stream' ? {} : { memoryLimitBytes: 0 });
    [calls, failsAt] = [0, at];
    const given = await outcome(works[what](storage));
    isLast = calls < at;
    failsAt = Infinity;
    const other = new FileStorage(folder);
    const left = await found(other);
    const again = await outcome(isThereBefore ? works[what](other) : other.submit(young, 'a', '1'));
    outcomes.push({ at, ...given, left, again: again.is, now: await found(other) });
  }
  return outcomes;
}

const all = [];
for (const [i, work] of JSON.parse(list).entries()) all.push(await outcomesOf(join(root, String(i)), work));
process.stdout.write(JSON.stringify(all), () => process.exit());
