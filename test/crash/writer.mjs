// Writes dataset x@1 somewhere, and says when it begins and when it is done: to be killed in between.
// node writer.mjs PLACE submit RECORDS | copy FROM_PLACE | share PART OF RECORDS: places as storage-at.mjs knows them
import { writeSync } from 'node:fs';
import { isDataRefError } from '@dataref/core';
import { storageAt } from './storage-at.mjs';

const [to, action, ...rest] = process.argv.slice(2);
const say = (text) => writeSync(1, `${text}\n`);

/** Records of 16 KiB that tell their index. */
function* records(from, end) {
  for (let i = from; i < end; i++) yield { i, bytes: new Uint8Array(2 ** 14).fill(i & 255) };
}

const storage = storageAt(to);
const begin = performance.now();
say('begin');
if (action === 'submit') await storage.submit(records(0, Number(rest[0])), 'x', '1');
else if (action === 'copy') await storageAt(rest[0]).copy('x', '1', storage);
else {
  const [part, of, count] = rest.map(Number);
  const writer = storage.writer('x', '1', { part, of });
  try {
    await writer.submit(records(part * count, (part + 1) * count));
  } catch (error) {
    // The one that was killed had written its share already, and others have committed.
    if (!isDataRefError(error, 'ALREADY_EXISTS')) throw error;
  }
  await writer.whole();
}
say(`done ${performance.now() - begin}`);
process.exit(0);
