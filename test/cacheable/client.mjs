// Asks for dataset x@1 through cacheable, reads all of it, and says each thing as it happens, a JSON a line.
// node client.mjs OPTIONS: a JSON of { recipe, name, leaseTimes, role, buildMs, writeMs, staysUntilTold }
import { writeSync } from 'node:fs';
import { defineDataRef, field, isDataRefError } from '@dataref/core';
import { DatasetStorage } from '../../packages/core/dist/storage/dataset-storage.js';
import { withRetry } from '../../packages/core/dist/store/retry.js';
import { nonce } from '../../packages/core/dist/store/nonce.js';
import { isRunning, thisProcess } from '../../packages/core/dist/store/process-identity.js';

const {
  recipe,
  name,
  leaseTimes,
  role = 'ask',
  buildMs = 0,
  writeMs = 0,
  staysUntilTold,
} = JSON.parse(process.argv[2]);
const LENGTH = 600;
const say = (event, more = {}) => writeSync(1, `${JSON.stringify({ name, event, ...more })}\n`);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** Nothing of this thread runs meanwhile. */
const block = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

const plain = withRetry((await import(recipe.module)).openStore(recipe.data));
const put = plain.put.bind(plain);
// Says when it has committed.
plain.put = async (key, bytes, options) => {
  const version = await put(key, bytes, options);
  if (key.endsWith('dataset.json') && version !== undefined) say('committed');
  return version;
};
const storage = new DatasetStorage({
  store: plain,
  identity: { self: thisProcess, isRunning },
  budget: { limitBytes: 2 ** 26, isExplicit: true, usedBytes: 0 },
  verifyReads: true,
  nonce,
  leaseTimes,
});

/** Every record says whose it is: a mixture of two would show. */
async function build() {
  say('begun');
  if (role === 'block') block(buildMs);
  else await sleep(buildMs);
  if (role === 'exit') process.exit(7);
  if (role === 'throw') throw new Error(`${name} cannot build`);
  return defineDataRef({
    length: LENGTH,
    schema: { i: field('int32'), by: field('string') },
    fingerprint: name,
    read: async (indices) => {
      if (role === 'block') block((writeMs * indices.length) / LENGTH);
      else await sleep((writeMs * indices.length) / LENGTH);
      return indices.map((i) => ({ i, by: name }));
    },
  });
}

async function serve(dataref) {
  const rows = (await dataref.read(Array.from({ length: dataref.length }, (_, i) => i))).records();
  const [{ by }] = rows;
  const stray = rows.find((row, i) => row.by !== by || row.i !== i);
  if (rows.length !== LENGTH || stray !== undefined)
    throw new Error(`a mixture: ${rows.length} rows, ${JSON.stringify(stray)}`);
  say('served', { by, fingerprint: dataref.fingerprint });
}

if (role === 'read') {
  for (let found = false; !found; await sleep(20 + Math.random() * 30)) {
    try {
      await serve(await storage.fetch('x', '1'));
      found = true;
    } catch (error) {
      if (!isDataRefError(error, 'NOT_FOUND')) throw error;
    }
  }
} else {
  try {
    const onProgress = ({ phase, waitingFor }) => phase === 'wait' && say('waits', { pid: waitingFor.pid });
    await serve(await storage.cacheable('x', '1', build, { onProgress }));
  } catch (error) {
    if (error.message !== `${name} cannot build`) throw error;
    say('failed');
  }
}
if (staysUntilTold) for await (const _ of process.stdin);
// With an end of its own: nothing of ours may keep the process alive.
