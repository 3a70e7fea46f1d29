import { DataRefError } from '../errors.js';
import { moduleUrl } from './module-url.js';

type Fn = (record: any, context: any) => unknown;

/** A module's default export. @throws Error where it cannot be loaded, or is no function */
export async function importFunction(module: string): Promise<Fn> {
  const loaded = (await import(/* webpackIgnore: true */ /* @vite-ignore */ module)) as { default?: unknown };
  if (typeof loaded.default === 'function') return loaded.default as Fn;
  throw new Error('its default export is no function');
}

/** A module that cannot be loaded is the caller's mistake, and named so. */
export function notLoaded(module: string, problem: string): DataRefError {
  return new DataRefError(
    'INVALID_ARGUMENT',
    `map: ${module} could not be loaded: ${problem}. Give the URL of a JavaScript module whose default export is the function, ${moduleUrl('./augment.js')}; a program that runs .ts files through a loader has no .js beside it: build it first, or name the file that there is`,
    { details: { module } },
  );
}
