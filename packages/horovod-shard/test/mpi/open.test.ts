import { expect, test } from '@jest/globals';
import { openMpi } from '@dataref/horovod-shard/mpi';
import { alone } from './job.js';

test.each([
  ['a library that is not there', { library: '/nowhere/libmpi.so' }, 'nowhere'],
  ['a library of another kind', { library: 'libc.so.6' }, 'libc.so.6: is no library of MPI'],
])('%s is refused', async (_, options, text) => {
  const { lines } = await alone(['open', JSON.stringify(options)]);
  const message = expect.stringContaining(text);
  expect(lines).toMatchObject([{ code: 'COLLECTIVE_FAILED', message }]);
});

test('without koffi it says what to install', async () => {
  const hook = new URL('workers/without-koffi.mjs', import.meta.url).href;
  const { lines } = await alone(['open'], {}, ['--import', hook]);
  expect(lines).toMatchObject([{ code: 'MISSING_PACKAGE', message: expect.stringContaining('npm i koffi') }]);
});

test.each([
  [{ library: '' }, 'library: expected a path or name'],
  [{ library: 7 }, 'library: expected a path or name'],
  [{ world: { rank: 2, size: 2 } }, 'world: expected a rank from 0 to less than size, got rank 2 of 2'],
  [{ world: {} }, 'got rank undefined of undefined'],
  [{ libary: 'libmpi.so' }, 'unknown option "libary"'],
  ['libmpi.so', 'options must be an object'],
])('openMpi(%j) is refused', async (options, message) => {
  await expect(openMpi(options as never)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining(message),
  });
});
