// node mpi-job.mjs FOLDER HARDWARE: sends x@1 of a folder's storage by mpirun, and prints a line whenever a share is done.
import { FileStorage } from '@dataref/core/fs';
import { mpi, send } from '@dataref/catalog';

const [folder, hardware] = process.argv.slice(2);
const module = new URL('./functions.mjs', import.meta.url);
const double = send({ module, export: 'double', hardware: mpi(JSON.parse(hardware)), recordsPerShare: 16 });
const data = await new FileStorage(folder).fetch('x', '1');
await double.with({ onProgress: ({ done }) => console.log(done) })(data);
