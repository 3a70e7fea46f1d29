// Adds one to a counter by compare-and-swap, again and again, and says so after each: node counter.mjs FOLDER NAME TIMES
import { writeSync } from 'node:fs';
import { FileStore } from '../../packages/core/dist/store/file-store.js';

const [folder, name, times] = process.argv.slice(2);
const store = new FileStore(folder);
for (let done = 0; done < Number(times);) {
  const held = await store.get('a/counter', 1000);
  const { count } = JSON.parse(new TextDecoder().decode(held.bytes));
  const bytes = new TextEncoder().encode(JSON.stringify({ count: count + 1, by: `${name}-${done}` }));
  if ((await store.put('a/counter', bytes, { ifVersion: held.version })) !== undefined) writeSync(1, `${++done}\n`);
}
