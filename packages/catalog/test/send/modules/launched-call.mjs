// node launched-call.mjs KIND OPTIONS EXPORT LOG: calls what never ends, by mpirun or ssh.
import { mpi, send, ssh } from '@dataref/catalog';

const [kind, options, name, log] = process.argv.slice(2);
const hardware = { mpi, ssh }[kind](JSON.parse(options));
await send({ module: new URL('./functions.mjs', import.meta.url), export: name, hardware })(log);
