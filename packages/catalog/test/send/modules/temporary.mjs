// node temporary.mjs: sends what is in memory, whose results go below the temporary folder, and prints what came of it.
import { fromColumns } from '@dataref/core';
import { local, send } from '@dataref/catalog';

const identity = send({ module: new URL('./functions.mjs', import.meta.url), hardware: local({ workers: 1 }) });
await identity(fromColumns({ n: Float64Array.of(1) })).catch(({ code, message }) => console.log(`${code}: ${message}`));
