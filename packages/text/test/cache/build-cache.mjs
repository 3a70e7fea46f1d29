// Builds a cache of the test source in a process of its own, which may be killed, or find its disk full, at a call of the file system.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { sourceOf, textRows } from './any-source.mjs';

const [directory, what = 'build', at = 'never', log] = process.argv.slice(2);
const callAt = at === 'never' ? Infinity : Number(at);
let calls = 0;

/** Counts a call that writes. @returns the disk's failure, where it is full from then on, of one that takes room */
function failure(syscall, takesRoom) {
  if (++calls < callAt) return undefined;
  if (what === 'kill') process.kill(process.pid, 'SIGKILL');
  return what === 'full' && takesRoom
    ? Object.assign(new Error(`ENOSPC: no space left on device, ${syscall}`), { code: 'ENOSPC', syscall })
    : undefined;
}

for (const name of ['mkdir', 'rename', 'link', 'unlink', 'rmdir', 'open']) {
  const own = fs.promises[name];
  fs.promises[name] = async (...args) => {
    const makes = name === 'mkdir' || (name === 'open' && (args[1] & fs.constants.O_CREAT) !== 0);
    const error = failure(name, makes);
    if (error !== undefined) throw error;
    const given = await own(...args);
    return name === 'open' ? counting(given) : given;
  };
}

function counting(handle) {
  for (const [name, syscall] of [
    ['write', 'write'],
    ['sync', 'fsync'],
  ]) {
    const own = handle[name].bind(handle);
    handle[name] = async (...args) => {
      // Half of it may be there already.
      if (name === 'write' && calls + 1 >= callAt) await own(args[0], args[1], Math.floor(args[2] / 2), args[3]);
      const error = failure(syscall, name === 'write');
      if (error !== undefined) throw error;
      return own(...args);
    };
  }
  return handle;
}
syncBuiltinESMExports();

const { buildCache } = await import('../../dist/cache/build-cache.js');
const { openTokenizer } = await import('../../dist/tokenizer/open-tokenizer.js');
const onUnit = (split, id) => log !== undefined && fs.appendFileSync(log, `${split} ${id}\n`);
const build = {
  directory,
  source: sourceOf({ train: textRows(2000), test: textRows(300, 5000) }, { onUnit }),
  tokenizer: await openTokenizer(new URL('byte-tokenizer.mjs', import.meta.url)),
  settings: {
    mappingColumnName: ['text'],
    validationSplit: 0.2,
    splitShuffle: true,
    splitSeed: 42,
    useEosToken: true,
  },
  workers: 1,
};
try {
  const { path } = await buildCache(build);
  process.stdout.write(JSON.stringify({ path, calls }));
} catch (error) {
  process.stdout.write(JSON.stringify({ code: error.code, message: error.message, calls }));
}
