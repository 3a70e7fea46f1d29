// node quiet.mjs: maps records in many tasks at once, alone and in batches, and prints how many came. Node warns on stderr.
import { fromColumns } from '@dataref/core';

const augment = new URL('./augment.mjs', import.meta.url);
const mapped = (workers) =>
  fromColumns(Int32Array.from({ length: 1024 }, (_, i) => i))
    .stream()
    .map(augment, { workers });
let count = 0;
for await (const { length } of mapped(2).batch(128)) count += length;
for await (const _ of mapped(6)) count++;
console.log(count);
