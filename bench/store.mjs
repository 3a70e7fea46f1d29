// node store.mjs WORKLOAD SCALE RAW STORE: stores a workload's records, once.
import { field } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { openRaw } from './raw.mjs';
import { workload } from './workloads.mjs';

const [name, scale, rawFolder, folder] = process.argv.slice(2);
const spec = workload(name, Number(scale));
const storage = new FileStorage(folder);
if (!(await storage.has(name, '1'))) {
  const x = spec.dtype === 'bytes' ? field('bytes') : field(spec.dtype, spec.shape);
  const schema = name === 'w3' ? { x } : { x, y: field('int64') };
  await storage.submit(openRaw(spec, rawFolder).records(), name, '1', { schema });
}
