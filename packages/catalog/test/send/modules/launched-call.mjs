// node launched-call.mjs KIND OPTIONS EXPORT LOG?: calls a function by mpirun or ssh, and prints why it failed, where it ends.
import { mpi, send, ssh } from '@dataref/catalog';

const [kind, options, name, ...args] = process.argv.slice(2);
const hardware = { mpi, ssh }[kind](JSON.parse(options));
await send({ module: new URL('./functions.mjs', import.meta.url), export: name, hardware })(...args).catch(
  ({ code, message }) => console.log(code, message),
);
