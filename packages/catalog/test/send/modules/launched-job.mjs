// node launched-job.mjs FOLDER KIND OPTIONS: sends x@1 of a folder's storage by mpirun or ssh, and prints a line whenever a share is done.
import { FileStorage } from '@dataref/core/fs';
import { mpi, send, ssh } from '@dataref/catalog';

const [folder, kind, options] = process.argv.slice(2);
const hardware = { mpi, ssh }[kind](JSON.parse(options));
const module = new URL('./functions.mjs', import.meta.url);
const unhurried = send({ module, export: 'unhurried', hardware, recordsPerShare: 16 });
const data = await new FileStorage(folder).fetch('x', '1');
await unhurried.with({ onProgress: ({ done }) => console.log(done) })(data);
