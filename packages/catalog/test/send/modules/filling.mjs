// node --max-old-space-size=64 filling.mjs: calls what fills its thread's memory, and prints what came of it.
import { local, send } from '@dataref/catalog';

const module = new URL('./functions.mjs', import.meta.url);
const fills = send({ module, export: 'fills', hardware: local({ workers: 1 }) });
await fills().catch(({ code, message }) => console.log(`${code}: ${message}`));
