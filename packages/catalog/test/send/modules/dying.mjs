// Functions whose worker ends now and then.
import { closeSync, openSync } from 'node:fs';

/** As `double`, but the worker ends on some records, at once or a little later, the first time that it is given each. */
export async function dying({ n, text }, folder, deadly) {
  if (deadly.includes(n) && isFirst(`${folder}/${n}`)) {
    const end = () => {
      throw new Error(`death of ${n}`);
    };
    // Outside of the promise, so that nobody catches it.
    if (n % 2 === 0) await new Promise(() => setImmediate(end));
    else setImmediate(end);
  }
  return { n: n * 2, text: `${text}!` };
}

function isFirst(path) {
  try {
    closeSync(openSync(path, 'wx'));
    return true;
  } catch {
    return false;
  }
}

/** As `double`, but its process is killed on some records, the first time that it is given each. */
export function killing({ n, text }, folder, deadly) {
  if (deadly.includes(n) && isFirst(`${folder}/${n}`)) process.kill(process.pid, 'SIGKILL');
  return { n: n * 2, text: `${text}!` };
}
