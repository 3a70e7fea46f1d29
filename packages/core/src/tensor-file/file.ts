import type { Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { DataRefError } from '../errors.js';
import { arrayType, bytesOf } from '../schema/dtypes.js';
import { CHECKSUM_BYTES, corrupt, encodeHead, headerLength, parseHeader } from './container.js';
import type { Contents, NamedArray } from './container.js';

/** Bytes read or hashed at a time: neither Node's 2 GiB limits nor the thread pool is met. */
const MAX_READ = 64 * 2 ** 20;

export interface Loaded extends Contents {
  /** In the order of their places in the file. */
  readonly arrays: readonly NamedArray[];
}

// Node's modules are asked for when a file is written or read, so that all else works where there are none.
function node() {
  const { process: host } = globalThis as { readonly process?: Partial<NodeJS.Process> };
  if (host?.getBuiltinModule === undefined)
    throw new DataRefError('UNSUPPORTED', 'checkpoints need the file system, which Node.js has');
  return {
    fs: process.getBuiltinModule('node:fs/promises'),
    path: process.getBuiltinModule('node:path'),
    crypto: process.getBuiltinModule('node:crypto'),
    os: process.getBuiltinModule('node:os'),
    url: process.getBuiltinModule('node:url'),
  };
}

/**
 * Puts a whole new file in the place of `path`, or leaves what was there: temporary file, fsync, rename, fsync of the
 * folder. The folder is made where there is none.
 * @throws DataRefError DISK_FULL, STORE_FAILED
 */
export async function writeTensors(
  path: string | URL,
  arrays: readonly NamedArray[],
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const { fs, path: paths, crypto, os, url } = node();
  const named = typeof path === 'string' ? paths.resolve(path) : url.fileURLToPath(path);
  // A link stays, and what it leads to is replaced.
  const target = await fs.realpath(named).catch(() => named);
  const there = await fs.stat(target).catch(() => undefined);
  if (there?.isFile() === false) {
    const problem = 'a folder, a pipe or a device is there, which no file replaces';
    throw new DataRefError('STORE_FAILED', `${target}: ${problem}`, { details: { path: target } });
  }
  const folder = paths.dirname(target);
  const mark = `${target}.${os.hostname()}.`;
  const work = `${mark}${process.pid}.${crypto.randomBytes(4).toString('hex')}.tmp`;
  try {
    await fs.mkdir(folder, { recursive: true });
    const handle = await fs.open(work, 'wx');
    try {
      const hash = crypto.createHash('sha256');
      for (const chunk of [encodeHead(arrays, metadata), ...arrays.map(({ data }) => bytesOf(data))]) {
        addTo(hash, chunk);
        await handle.writeFile(chunk);
      }
      await handle.writeFile(hash.digest());
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.rename(work, target);
    await syncFolder(await fs.open(folder, 'r'));
  } catch (error) {
    await fs.rm(work, { force: true }).catch(() => undefined);
    throw fileError(error, target);
  }
  await removeAbandoned(folder, paths.basename(mark));

  /** Temporary files of this host's processes that are no more. */
  async function removeAbandoned(directory: string, prefix: string): Promise<void> {
    for (const name of await fs.readdir(directory).catch(() => [])) {
      const pid = name.startsWith(prefix)
        ? /^(\d+)\.[0-9a-f]{8}\.tmp$/u.exec(name.slice(prefix.length))?.[1]
        : undefined;
      // The checkpoint is in its place: a leftover that cannot be removed, such as a folder, is none of its concern.
      if (pid !== undefined && !isRunning(Number(pid)))
        await fs.rm(paths.join(directory, name), { force: true }).catch(() => undefined);
    }
  }
}

/**
 * The tensors of a file, undefined where there is none.
 * @param check may refuse what the header says, before the values are read and memory is taken for them
 * @throws DataRefError CORRUPT, MEMORY_LIMIT, STORE_FAILED
 */
export async function readTensors(
  path: string | URL,
  check: (contents: Contents, where: string) => void,
): Promise<Loaded | undefined> {
  const { fs, crypto } = node();
  const where = String(path);
  let handle: FileHandle | undefined;
  try {
    const stat = await fs.stat(path);
    if (!stat.isFile()) throw corrupt(where, 'it is no file');
    handle = await fs.open(path, 'r');
    const hash = crypto.createHash('sha256');
    const read = async (into: Uint8Array, position: number): Promise<void> => {
      await readFully(handle as FileHandle, into, position, where);
      addTo(hash, into);
    };
    const { size } = await handle.stat();
    const compareChecksum = async (): Promise<void> => {
      const checksum = new Uint8Array(CHECKSUM_BYTES);
      await readFully(handle as FileHandle, checksum, size - CHECKSUM_BYTES, where);
      if (!hash.digest().equals(checksum)) throw corrupt(where, 'its checksum is wrong');
    };
    if (size < 8 + CHECKSUM_BYTES) throw corrupt(where, `it has ${size} bytes`);
    const first = new Uint8Array(8);
    await read(first, 0);
    const header = new Uint8Array(headerLength(first, size, where));
    await read(header, 8);
    const contents = parseHeader(header, size, where);
    try {
      check(contents, where);
    } catch (error) {
      // Bytes that changed can look like another model's.
      for (let at = contents.dataStart; at < size - CHECKSUM_BYTES; at += MAX_READ) {
        await read(new Uint8Array(Math.min(MAX_READ, size - CHECKSUM_BYTES - at)), at);
      }
      await compareChecksum();
      throw error;
    }
    const arrays: NamedArray[] = [];
    for (const { name, dtype, shape, start, byteLength } of contents.entries) {
      const bytes = new Uint8Array(byteLength);
      await read(bytes, contents.dataStart + start);
      arrays.push({ name, dtype, shape, data: new (arrayType(dtype))(bytes.buffer) });
    }
    await compareChecksum();
    return { ...contents, arrays };
  } catch (error) {
    const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
    if (code === 'ENOENT') return undefined;
    if (name === 'RangeError')
      throw new DataRefError('MEMORY_LIMIT', `${where} has arrays that this process has no memory for`, {
        cause: error,
        details: { path: where },
      });
    throw fileError(error, where);
  } finally {
    await handle?.close();
  }
}

async function readFully(handle: FileHandle, into: Uint8Array, position: number, where: string): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await handle.read(into, done, Math.min(MAX_READ, into.length - done), position + done);
    if (bytesRead === 0) throw corrupt(where, `it ends at byte ${position + done}`);
    done += bytesRead;
  }
}

function addTo(hash: Hash, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += MAX_READ) hash.update(bytes.subarray(at, at + MAX_READ));
}

async function syncFolder(folder: FileHandle): Promise<void> {
  try {
    await folder.sync();
  } catch (error) {
    // Some file systems cannot sync a folder; the rename is then as durable as they make it.
    if (!['EINVAL', 'EPERM', 'EISDIR'].includes(String((error as { code?: unknown }).code))) throw error;
  } finally {
    await folder.close();
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code !== 'ESRCH';
  }
}

function fileError(error: unknown, path: string): unknown {
  const { name, code, syscall } = error as { name?: string; code?: string; syscall?: string };
  if (name === 'DataRefError' || syscall === undefined) return error;
  const isFull = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(String(code));
  return new DataRefError(
    isFull ? 'DISK_FULL' : 'STORE_FAILED',
    `${path}: ${syscall} failed with ${String(code)}${isFull ? ': no room left, or a quota or file size limit was met. An older checkpoint is as it was' : ''}`,
    { cause: error, details: { path, errno: code } },
  );
}
