// node killed-import.mjs <folder> <name> <reads>: imports what Hub stored, and stands still at its read number <reads>, to be killed.
import { readFileSync } from 'node:fs';
import { FileStorage } from '@dataref/core/fs';
import { importHubV1, openArrays } from '@dataref/arrays';

const [folder, name, reads] = process.argv.slice(2);
const golden = JSON.parse(readFileSync(new URL('golden/hub-v1.json', import.meta.url), 'utf8'));
let count = 0;
const files = {
  read(path) {
    if (++count > Number(reads)) {
      console.log('standing');
      return new Promise(() => setInterval(() => undefined, 1e6));
    }
    const stored = golden.files[path];
    return Promise.resolve(stored && Buffer.from(stored, 'base64'));
  },
};
await importHubV1(openArrays(new FileStorage(folder)), files, name);
console.log('done');
