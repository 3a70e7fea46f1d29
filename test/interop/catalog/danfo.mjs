// node danfo.mjs FOLDER: frames of the danfojs-node that is installed in FOLDER become tables. Run by .ci/danfo.sh.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { FileStorage } from '@dataref/core/fs';
import { fromDanfo, openCatalog } from '@dataref/catalog';

const [folder] = process.argv.slice(2);
const { DataFrame, readCSV } = createRequire(join(folder, 'package.json'))('danfojs-node');
const catalog = openCatalog(new FileStorage(join(folder, 'data')));

/** The records of a frame that was saved, and the dtypes of its columns. */
async function saved(frame) {
  await catalog.save('frame', await fromDanfo(frame));
  const table = await catalog.load('frame');
  const rows = await table.read(Array.from({ length: table.length }, (_, i) => i));
  return [rows.records(), Object.fromEntries(Object.entries(table.schema).map(([name, { dtype }]) => [name, dtype]))];
}

const columns = { i: [1, -2, 3], f: [0.1, NaN, 1e300], s: ['a', 'ä', ''], b: [true, false, true] };
const frame = new DataFrame(columns);
const records = [0, 1, 2].map((row) => ({
  i: columns.i[row],
  f: columns.f[row],
  s: columns.s[row],
  b: columns.b[row],
}));
const dtypes = { i: 'int32', f: 'float64', s: 'string', b: 'bool' };
assert.deepEqual(await saved(frame), [records, dtypes]);
assert.deepEqual(await saved(frame.loc({ rows: [2, 0] })), [[records[2], records[0]], dtypes]);
assert.deepEqual(await saved(frame.query(frame.i.gt(0))), [[records[0], records[2]], dtypes]);
assert.deepEqual(await saved(new DataFrame([[1, 'x']], { columns: ['n', 't'] })), [[{ n: 1, t: 'x' }], { n: 'int32', t: 'string' }]); // prettier-ignore

writeFileSync(join(folder, 'rows.csv'), 'n,t\n1,x\n2,y\n');
assert.deepEqual((await saved(await readCSV(join(folder, 'rows.csv'))))[0], [{ n: 1, t: 'x' }, { n: 2, t: 'y' }]); // prettier-ignore

const large = new DataFrame({ n: [2 ** 40, 1] });
await assert.rejects(fromDanfo(large), { code: 'LOSSY_CAST' });
assert.deepEqual(await saved(large.asType('n', 'float32')), [[{ n: 2 ** 40 }, { n: 1 }], { n: 'float64' }]);
await assert.rejects(fromDanfo(new DataFrame({ n: [1, null] })), { code: 'NULL_VALUE' });
await assert.rejects(fromDanfo(new DataFrame({ when: [new Date(0)] })), { code: 'UNSUPPORTED', message: /when is datetime/ }); // prettier-ignore
console.log('danfojs-node: its frames are saved with their dtypes');
