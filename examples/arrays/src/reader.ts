// Another process, which knows the storage and the name.
import { FileStorage } from '@dataref/core/fs';
import { openArrays, slice } from '@dataref/arrays';

const bigarray = await openArrays(new FileStorage(process.argv[2] as string)).openArray('your_array_name');
const arr = await bigarray.get([0, slice(5), null, null]);
console.log(`opened (${bigarray.shape.join(', ')}) and read (${arr.shape.join(', ')}) of it: one chunk`);
console.log(`its first values are ${arr.data.subarray(0, 6).join(', ')}`);
