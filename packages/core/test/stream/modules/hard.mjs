// Does to each record what the record asks for: for tests of worker threads.
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';

let kept;
export default async function hard({ x, what, marker }, { random }) {
  const isFirstTime = marker !== '' && !existsSync(marker);
  if (isFirstTime) writeFileSync(marker, '');
  switch (what) {
    case 'throw':
      throw new Error(`no ${x}`);
    case 'throw once':
      if (isFirstTime) throw new Error(`not yet ${x}`);
      break;
    case 'die once':
      if (isFirstTime) await outside();
      break;
    case 'die':
      await outside();
      break;
    case 'exit':
      process.exit(3);
      break;
    case 'post':
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
      parentPort.postMessage(null);
      break;
    case 'fill':
      if (isFirstTime) fill();
      break;
    case 'wait':
      await wait(600_000);
      break;
    case 'keep': {
      const before = kept?.length ?? -1;
      kept = new Float32Array(1000).fill(x);
      return { x, before, array: kept };
    }
    case 'give twice':
      kept ??= new Float32Array(8);
      return { x, array: kept };
    case 'view':
      return { x, array: new Float32Array(1000).subarray(10, 20).fill(x) };
  }
  return { x, drawn: random() };
}

function fill() {
  for (const all = []; ;) all.push(Array.from({ length: 1e5 }, Math.random));
}

/** An error that no promise carries ends the thread. */
function outside() {
  return new Promise(() =>
    setImmediate(() => {
      throw new Error('outside of the promise');
    }),
  );
}
