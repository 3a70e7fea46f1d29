// node aborted-call.mjs LOG: calls what never gives way on a thread, aborts it, and prints what came of it. It ends by itself.
import { statSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { local, send } from '@dataref/catalog';

const [log] = process.argv.slice(2);
const abort = new AbortController();
const blocks = send({
  module: new URL('./functions.mjs', import.meta.url),
  export: 'blocks',
  hardware: local({ workers: 2 }),
});
const ended = blocks
  .with({ signal: abort.signal })(log)
  .catch(({ message }) => console.log(message));
while (statSync(log).size === 0) await setTimeout(10);
abort.abort(new Error('enough'));
await ended;
