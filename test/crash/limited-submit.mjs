// node limited-submit.mjs FOLDER RECORDS: submits x@1, and says the code and message of its error.
import { FileStorage } from '@dataref/core/fs';

const [folder, records] = process.argv.slice(2);
const storage = new FileStorage(folder);
const data = Array.from({ length: Number(records) }, (_, i) => ({ tag: 1, i, bytes: new Uint8Array(1000).fill(i) }));
try {
  await storage.submit(data, 'x', '1');
  console.log('submitted');
} catch (error) {
  console.log(error.code, error.message);
}
