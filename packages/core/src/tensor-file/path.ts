import { invalidArgument } from '../errors.js';

/**
 * A path as `checkPath` takes it, refused at once where a folder, a pipe or a device is, and not when an epoch has been
 * trained.
 * @throws DataRefError INVALID_ARGUMENT
 */
export function checkFilePath(what: string, path: unknown): string | URL {
  const checked = checkPath(what, path);
  const other = otherThanFile(checked);
  if (other === undefined) return checked;
  throw invalidArgument(`${what}: ${String(path)} is ${other}; give a file, such as './run.ckpt'`);
}

/** Where there are no files, as in a browser, and where nothing can be looked at, writing and reading say so. */
function otherThanFile(path: string | URL): string | undefined {
  try {
    const stat = globalThis.process?.getBuiltinModule?.('node:fs').statSync(path, { throwIfNoEntry: false });
    if (stat === undefined || stat.isFile()) return undefined;
    return stat.isDirectory() ? 'a folder' : 'a pipe or a device';
  } catch {
    return undefined;
  }
}

/**
 * A file's path, as it was given.
 * @throws DataRefError INVALID_ARGUMENT for what can be none
 */
export function checkPath(what: string, path: unknown): string | URL {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path;
  const isUrl = Object.prototype.toString.call(path) === '[object URL]';
  const { protocol, hostname, pathname } = Object(path) as Partial<URL>;
  const isLocal = protocol === 'file:' && (hostname === '' || process.platform === 'win32');
  if (isUrl && isLocal && !/%00|%2f|%5c/iu.test(String(pathname)) && isDecodable(String(pathname))) return path as URL;
  const given = isUrl || typeof path === 'string' ? JSON.stringify(String(path)) : typeof path;
  throw invalidArgument(`${what}: the path must be a file's path or its file: URL, such as './run.ckpt', got ${given}`);
}

function isDecodable(pathname: string): boolean {
  try {
    return decodeURIComponent(pathname) !== '';
  } catch {
    return false;
  }
}
