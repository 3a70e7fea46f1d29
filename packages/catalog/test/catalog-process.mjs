// node catalog-process.mjs <folder> <rank> <saves>: saves tables and appends to one, and renames it to and fro, as others do at
// the same time. Prints each save that was acknowledged.
import { FileStorage } from '@dataref/core/fs';
import { isDataRefError } from '@dataref/core';
import { openCatalog } from '@dataref/catalog';

const [folder, rank, saves] = process.argv.slice(2);
const catalog = openCatalog(new FileStorage(folder));
console.log('ready');
await new Promise((resolve) => process.stdin.once('data', resolve));
for (let i = 0; i < Number(saves); i++) {
  const content = `${rank}-${i}`;
  await catalog.save('shared', [{ content }]);
  console.log(`saved ${content}`);
  await catalog.append('log', [{ content }]);
  console.log(`appended ${content}`);
  const names = i % 2 === 0 ? ['shared', 'moved'] : ['moved', 'shared'];
  await catalog.rename(...names).catch((error) => {
    if (isDataRefError(error, 'NOT_FOUND', 'ALREADY_EXISTS')) return;
    if (!/another process settled/.test(error.message)) throw error;
  });
}
process.exit(0);
