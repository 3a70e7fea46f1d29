import { DataRefError, shown } from '../errors.js';
import { orAbort } from '../or-abort.js';
import type { IoOptions, ObjectInfo, ObjectStore } from '../store/object-store.js';

/** Two for each of 2^20 parts, and a lease: no folder of ours has more. */
const MAX_FILES = 2 ** 21 + 1;
/** Files of others that are passed over. */
const MAX_FOREIGN = 2 ** 16;

/** All that `eachFileBelow` gives. */
export async function filesBelow(
  store: ObjectStore,
  prefix: string,
  form: RegExp,
  options?: IoOptions,
): Promise<ObjectInfo[]> {
  const files: ObjectInfo[] = [];
  for await (const file of eachFileBelow(store, prefix, form, options)) files.push(file);
  return files;
}

/**
 * The objects directly below a prefix whose names have a form, in no certain order; what others keep there is left out.
 * @throws DataRefError STORE_FAILED where the listing cannot be right: a key elsewhere, one that comes again, or no end
 */
export async function* eachFileBelow(
  store: ObjectStore,
  prefix: string,
  form: RegExp,
  { signal }: IoOptions = {},
): AsyncGenerator<ObjectInfo> {
  const refuse = (problem: string): DataRefError =>
    new DataRefError('STORE_FAILED', `${store.description}: the listing of ${prefix} ${problem}`, {
      details: { prefix },
    });
  const seen = new Set<string>();
  let foreign = 0;
  const pages = store.list(prefix, { signal })[Symbol.asyncIterator]();
  try {
    for (;;) {
      // A store of the user's may never answer, and not listen to the signal.
      const next = await orAbort(pages.next(), signal);
      if (next.done === true) return;
      const { key } = next.value;
      if (!key.startsWith(prefix)) throw refuse(`has ${shown(key, 300)}, which is elsewhere`);
      if (!form.test(key.slice(prefix.length))) {
        if (++foreign > MAX_FOREIGN) throw refuse(`goes on after ${MAX_FOREIGN} files that are none of ours`);
        continue;
      }
      if (seen.has(key)) throw refuse(`has ${key} twice; it would not end`);
      if (seen.add(key).size > MAX_FILES) throw refuse(`goes on after ${MAX_FILES} files`);
      yield next.value;
    }
  } finally {
    // An iteration that does not answer does not hear of its end either.
    void Promise.resolve(pages.return?.()).catch(() => undefined);
  }
}
