// Writes dataset x@1 somewhere, and says when it begins and when it is done: to be killed in between.
// node writer.mjs PLACE submit RECORDS | copy FROM_PLACE | share PART OF RECORDS
// PLACE is JSON: { directory } or { bucket, clientConfig }.
import { writeSync } from 'node:fs';
import { isDataRefError } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { S3Storage } from '@dataref/core/s3';

const [place, action, ...rest] = process.argv.slice(2);
const storageAt = (text) => {
  const { directory, ...bucket } = JSON.parse(text);
  return directory === undefined ? new S3Storage(bucket) : new FileStorage(directory);
};
const say = (text) => writeSync(1, `${text}\n`);

/** Records of 16 KiB that tell their index. */
function* records(from, end) {
  for (let i = from; i < end; i++) yield { i, bytes: new Uint8Array(2 ** 14).fill(i & 255) };
}

const storage = storageAt(place);
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
