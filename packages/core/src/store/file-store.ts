import { constants, promises as fs } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { DataRefError } from '../errors.js';
import { fileError, openFileReader, writeFully, writeWhole } from './file-access.js';
import { replaceLocked } from './file-lock.js';
import { contentVersion } from './content-version.js';
import { checkKey } from './key.js';
import { makeFolder, removeEmptyFolders, syncFolder } from './folders.js';
import { checkPut } from './put-conditions.js';
import { tooLarge } from './store-errors.js';
import type {
  IoOptions,
  ObjectInfo,
  ObjectReader,
  ObjectStore,
  ObjectWriter,
  PutOptions,
  StoredObject,
  StoreRecipe,
} from './object-store.js';
import { MAX_ATTEMPTS, sweepWorkshop, workName, WORKSHOP } from './workshop.js';

/** What a recipe of a FileStore is made with. */
export function openStore(root: unknown): FileStore {
  return new FileStore(root as string);
}

/** An ObjectStore in a folder of a file system: temp file, fsync, rename, fsync of the folder. */
export class FileStore implements ObjectStore {
  readonly description: string;
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
    this.description = root;
  }

  recipe(): StoreRecipe {
    return { module: import.meta.url, data: this.#root };
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    return this.#try(key, async () => {
      await this.#checkFolders(dirname(this.#path(key)));
      const stat = await fs.lstat(this.#path(key));
      return stat.isFile() ? { key, byteLength: stat.size, modifiedMs: stat.mtimeMs } : undefined;
    });
  }

  async get(key: string, limitBytes: number, options: IoOptions = {}): Promise<StoredObject | undefined> {
    const reader = await this.open(key, options);
    if (reader === undefined) return undefined;
    try {
      if (reader.byteLength > limitBytes) throw tooLarge(key, reader.byteLength, limitBytes);
      const bytes = new Uint8Array(reader.byteLength);
      await reader.read(bytes, 0, options);
      return { bytes, version: contentVersion(bytes) };
    } finally {
      await reader.close();
    }
  }

  async open(key: string, { signal }: IoOptions = {}): Promise<ObjectReader | undefined> {
    signal?.throwIfAborted();
    return this.#try(key, async () => {
      await this.#checkFolders(dirname(this.#path(key)));
      return openFileReader(this.#path(key), key);
    });
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<string | undefined> {
    const { ifAbsent = false, ifVersion } = checkPut(options);
    if (ifVersion !== undefined) return this.#replace(key, bytes, ifVersion, options);
    const work = await this.#startWork(key, options);
    try {
      await work.write(bytes);
      return (await work.publish(ifAbsent)) ? contentVersion(bytes) : undefined;
    } catch (error) {
      await work.abort();
      throw error;
    }
  }

  async create(key: string, options: IoOptions = {}): Promise<ObjectWriter> {
    const work = await this.#startWork(key, options);
    return { write: work.write, commit: async () => void (await work.publish(false)), abort: work.abort };
  }

  async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    const folders = [prefix === '' ? this.#root : this.#path(prefix.slice(0, -1))];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const entry of await this.#entries(folder)) {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) folders.push(path);
        else if (entry.isFile()) {
          const info = await this.head(relative(this.#root, path).split(sep).join('/'));
          if (info !== undefined) yield info;
        }
      }
    }
  }

  async listFolders(prefix: string): Promise<readonly string[]> {
    const folder = prefix === '' ? this.#root : this.#path(prefix.slice(0, -1));
    return (await this.#entries(folder)).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  }

  async delete(key: string): Promise<boolean> {
    const removed = await this.#try(key, async () => {
      await this.#checkFolders(dirname(this.#path(key)));
      await fs.unlink(this.#path(key));
      await syncFolder(dirname(this.#path(key)));
      return true;
    });
    await removeEmptyFolders(dirname(this.#path(key)), this.#root);
    return removed ?? false;
  }

  async sweep(): Promise<number> {
    const workshop = join(this.#root, WORKSHOP);
    await this.#checkFolders(workshop);
    const freed = (await this.#try(WORKSHOP, () => sweepWorkshop(workshop))) ?? 0;
    await removeEmptyFolders(workshop, this.#root);
    await this.#pruneDatasets();
    return freed;
  }

  /**
   * Removes empty folders that writers were killed in: of generations, `<id>/<version>/data/<generation>`, and those
   * above them. Folders whose names begin with a dot are somebody else's.
   */
  async #pruneDatasets(): Promise<void> {
    const isOurs = (name: string): boolean => !name.startsWith('.');
    for (const id of (await this.listFolders('')).filter(isOurs)) {
      for (const version of (await this.listFolders(`${id}/`)).filter(isOurs)) {
        const data = join(this.#root, id, version, 'data');
        for (const { name } of await this.#entries(data)) {
          if (/^[0-9a-f]{16}$/u.test(name)) await fs.rmdir(join(data, name)).catch(() => undefined);
        }
        await fs.rmdir(data).catch(() => undefined);
        await fs.rmdir(dirname(data)).catch(() => undefined);
      }
      await fs.rmdir(join(this.#root, id)).catch(() => undefined);
    }
  }

  /** No folder on the way may be a link: what is stored must not lead elsewhere. @throws DataRefError STORE_FAILED */
  async #checkFolders(folder: string): Promise<void> {
    const names = relative(this.#root, folder).split(sep);
    let path = this.#root;
    for (const name of names) {
      path = join(path, name);
      const stat = await fs.lstat(path).catch(() => undefined);
      if (stat === undefined) return;
      if (!stat.isSymbolicLink()) continue;
      throw new DataRefError(
        'STORE_FAILED',
        `${path}: is a symbolic link, which is not followed; move the data itself here`,
        {
          details: { path },
        },
      );
    }
  }

  #path(key: string): string {
    return join(this.#root, checkKey(key));
  }

  async #entries(folder: string) {
    const entries = await this.#try(folder, async () => {
      await this.#checkFolders(folder);
      return fs.readdir(folder, { withFileTypes: true });
    });
    return (entries ?? []).filter((entry) => entry.name !== WORKSHOP && /^[A-Za-z0-9._%-]+$/u.test(entry.name));
  }

  async #try<T>(key: string, action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await action();
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw fileError(error, key);
    }
  }

  /** Compare-and-swap. Only small objects are replaced on a condition: each is read whole, for its version. */
  async #replace(key: string, bytes: Uint8Array, ifVersion: string, options: IoOptions): Promise<string | undefined> {
    const target = this.#path(key);
    const workshop = join(this.#root, WORKSHOP);
    await this.#checkFolders(workshop);
    const isCurrent = async () => (await this.get(key, Infinity, options))?.version === ifVersion;
    if (!(await isCurrent())) return undefined;
    try {
      const stage = (path: string) => writeWhole(path, bytes, key);
      if (!(await replaceLocked(workshop, key, { stage, isCurrent, target }, options.signal))) return undefined;
      await syncFolder(dirname(target));
      return contentVersion(bytes);
    } catch (error) {
      throw fileError(error, key);
    }
  }

  async #startWork(key: string, { signal }: IoOptions) {
    const target = this.#path(key);
    signal?.throwIfAborted();
    const workshop = join(this.#root, WORKSHOP);
    const path = join(workshop, workName());
    const handle = await this.#create(path);
    let position = 0;
    let open = true;
    const close = async (): Promise<void> => {
      if (open) await handle.close();
      open = false;
    };
    return {
      write: async (bytes: Uint8Array): Promise<void> => {
        signal?.throwIfAborted();
        await writeFully(handle, bytes, position, key);
        position += bytes.length;
      },
      publish: async (ifAbsent: boolean): Promise<boolean> => {
        try {
          await handle.sync();
          await close();
          await this.#place(path, target, ifAbsent);
          await syncFolder(dirname(target));
          return true;
        } catch (error) {
          if (ifAbsent && (error as { code?: string }).code === 'EEXIST') return false;
          throw fileError(error, key);
        } finally {
          await fs.rm(path, { force: true });
        }
      },
      abort: async (): Promise<void> => {
        await close();
        await fs.rm(path, { force: true });
      },
    };
  }

  async #create(path: string) {
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#checkFolders(dirname(path));
        await fs.mkdir(dirname(path), { recursive: true });
        return await fs.open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o666);
      } catch (error) {
        // Another process may remove the empty folder between the two calls.
        if ((error as { code?: string }).code !== 'ENOENT' || attempt > MAX_ATTEMPTS) throw fileError(error, path);
      }
    }
  }

  /** Moves a whole file to its place, the folder of which is made where there is none. */
  async #place(path: string, target: string, ifAbsent: boolean): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#checkFolders(dirname(target));
        await makeFolder(dirname(target));
        if (ifAbsent) await fs.link(path, target);
        else await fs.rename(path, target);
        return;
      } catch (error) {
        // As above: a folder that is empty yet may be removed by a delete or a sweep elsewhere. Where that happens while
        // Node makes several folders, it says ENOTDIR.
        const { code } = error as { code?: string };
        if ((code !== 'ENOENT' && code !== 'ENOTDIR') || attempt > MAX_ATTEMPTS) throw error;
      }
    }
  }
}
