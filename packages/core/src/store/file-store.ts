import { promises as fs } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileError, openFileReader } from './file-access.js';
import type { FilePlace } from './file-writes.js';
import { contentVersion } from './content-version.js';
import { lazyModule } from '../lazy-module.js';
import { FolderGuard } from './folder-guard.js';
import { checkKey, WORKSHOP } from './key.js';
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

/** What only writing needs is loaded by the first call that writes. */
const writes = lazyModule('what writes files', () => import('./file-writes.js'));

/** What a recipe of a FileStore is made with. */
export function openStore(root: unknown): FileStore {
  return new FileStore(root as string);
}

/** An ObjectStore in a folder of a file system: temp file, fsync, rename, fsync of the folder. */
export class FileStore implements ObjectStore {
  readonly description: string;
  readonly #root: string;
  readonly #folders: FolderGuard;

  constructor(root: string) {
    this.#root = root;
    this.#folders = new FolderGuard(root);
    this.description = root;
  }

  recipe(): StoreRecipe {
    return { module: import.meta.url, data: this.#root };
  }

  async head(key: string, { signal }: IoOptions = {}): Promise<ObjectInfo | undefined> {
    signal?.throwIfAborted();
    return this.#try(key, async () => {
      await this.#folders.check(dirname(this.#path(key)));
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
      return storedBytes(bytes);
    } finally {
      await reader.close();
    }
  }

  async open(key: string, { signal }: IoOptions = {}): Promise<ObjectReader | undefined> {
    signal?.throwIfAborted();
    return this.#try(key, async () => {
      await this.#folders.shared(dirname(this.#path(key)));
      return openFileReader(this.#path(key), key);
    });
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<string | undefined> {
    const place = this.#place(key);
    return (await writes()).putFile(place, bytes, options, () => this.#version(key, options));
  }

  async create(key: string, options: IoOptions = {}): Promise<ObjectWriter> {
    const place = this.#place(key);
    return (await writes()).createFile(place, options);
  }

  async *list(prefix: string, options: IoOptions = {}): AsyncGenerator<ObjectInfo> {
    options.signal?.throwIfAborted();
    const folders = [prefix === '' ? this.#root : this.#path(prefix.slice(0, -1))];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const entry of await this.#entries(folder)) {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) folders.push(path);
        else if (entry.isFile()) {
          const info = await this.head(relative(this.#root, path).split(sep).join('/'), options);
          if (info !== undefined) yield info;
        }
      }
    }
  }

  async listFolders(prefix: string, { signal }: IoOptions = {}): Promise<readonly string[]> {
    signal?.throwIfAborted();
    const folder = prefix === '' ? this.#root : this.#path(prefix.slice(0, -1));
    return (await this.#entries(folder)).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  }

  async delete(key: string, options: Pick<PutOptions, 'signal' | 'ifVersion'> = {}): Promise<boolean> {
    const place = this.#place(key);
    const { removeFile, removeVersion } = await writes();
    const { ifVersion, signal } = options;
    signal?.throwIfAborted();
    if (ifVersion === undefined) return removeFile(place);
    return removeVersion(place, async () => (await this.#version(key, options)) === ifVersion, signal);
  }

  async #version(key: string, options: IoOptions): Promise<string | undefined> {
    return (await this.get(key, Infinity, options))?.version;
  }

  async sweep(): Promise<number> {
    const workshop = join(this.#root, WORKSHOP);
    await this.#folders.check(workshop);
    const { pruneDatasets, sweepWorkshop } = await writes();
    const freed = (await this.#try(WORKSHOP, () => sweepWorkshop(this.#root))) ?? 0;
    await pruneDatasets(this.#root, (folder) => this.#entries(folder));
    return freed;
  }

  #path(key: string): string {
    return join(this.#root, checkKey(key));
  }

  #place(key: string): FilePlace {
    return { root: this.#root, folders: this.#folders, key, path: this.#path(key) };
  }

  async #entries(folder: string) {
    const entries = await this.#try(folder, async () => {
      await this.#folders.check(folder);
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
}

/** An object whose version is computed when it is asked for: who only reads needs none. */
function storedBytes(bytes: Uint8Array): StoredObject {
  return {
    bytes,
    get version() {
      return contentVersion(bytes);
    },
  };
}
