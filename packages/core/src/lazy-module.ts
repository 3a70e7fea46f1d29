import { DataRefError, isDataRefError } from './errors.js';

/** Files that must be free to open: a module brings others, and Node opens them all at once. */
const FILES_OF_OURS = 40;
const FILES_OF_PACKAGE = 96;

/**
 * A module that is loaded when it is first asked for. Node keeps a failed import for the life of the process, so it is
 * tried only where there are files left to open: one bad moment fails the call that met it, and the next one goes well.
 * @param what is loaded, for the message
 * @param load `() => import('./x.js')`, so that bundlers see it
 * @returns gives the module @throws DataRefError STORE_FAILED where it cannot be loaded
 */
export function lazyModule<T>(what: string, load: () => Promise<T>, files = FILES_OF_OURS): () => Promise<T> {
  let module: T | undefined;
  return async () => {
    if (module !== undefined) return module;
    refuseWithoutFiles(what, files);
    try {
      module = await load();
    } catch (error) {
      throw isDataRefError(error) ? error : notLoaded(what, error);
    }
    return module;
  };
}

/** The same of another package. @param needed what to say where it is not installed, MISSING_PACKAGE */
export function lazyPackage<T>(name: string, load: () => Promise<T>, needed: string): () => Promise<T> {
  const loadOrTell = () =>
    load().catch((error: unknown) => {
      const { code } = Object(error) as { readonly code?: unknown };
      throw code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
        ? new DataRefError('MISSING_PACKAGE', needed)
        : error;
    });
  return lazyModule(name, loadOrTell, FILES_OF_PACKAGE);
}

/** @throws DataRefError STORE_FAILED where the process cannot open so many files more */
function refuseWithoutFiles(what: string, files: number): void {
  const fs = globalThis.process?.getBuiltinModule?.('node:fs');
  if (fs === undefined) return;
  const opened: number[] = [];
  try {
    while (opened.length < files) opened.push(fs.openSync(process.execPath, 'r'));
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (code !== 'EMFILE' && code !== 'ENFILE') return; // that file in particular cannot be read
    throw new DataRefError(
      'STORE_FAILED',
      `${what} could not be loaded: ${files} files must be free to open, and ${opened.length} are (${code}). Close some, or raise the limit (ulimit -n), and try again`,
      { details: { what, code } },
    );
  } finally {
    for (const file of opened) fs.closeSync(file);
  }
}

function notLoaded(what: string, cause: unknown): DataRefError {
  return new DataRefError(
    'STORE_FAILED',
    `${what} could not be loaded: ${String((cause as { message?: unknown } | undefined)?.message)}. The runtime may keep that failure: where the next try fails too, start the process anew`,
    { cause, details: { what } },
  );
}
