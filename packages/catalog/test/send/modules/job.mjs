// node job.mjs FOLDER WORKERS: sends x@1 of a folder's storage, and prints a line whenever a share is done.
import { FileStorage } from '@dataref/core/fs';
import { local, send } from '@dataref/catalog';

const [folder, workers] = process.argv.slice(2);
const module = new URL('./functions.mjs', import.meta.url);
const double = send({ module, export: 'double', hardware: local({ workers: Number(workers) }), recordsPerShare: 16 });
const data = await new FileStorage(folder).fetch('x', '1');
await double.with({ onProgress: ({ done }) => console.log(done) })(data);
