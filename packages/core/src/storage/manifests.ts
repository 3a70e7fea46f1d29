import { DataRefError, isDataRefError, shown } from '../errors.js';
import { decodeManifest, MANIFEST_LIMIT_BYTES, type Manifest } from '../format/manifest.js';
import { orAbort } from '../or-abort.js';
import { readAgain } from '../rows/read-again.js';
import { decodeSegment, encodeSegment } from '../store/key.js';
import type { IoOptions, ObjectStore } from '../store/object-store.js';
import { inOrder, REQUESTS_AT_ONCE } from './at-once.js';

/** Names of what there is instead, in a message. */
const HINTS = 10;

/** What the manifest under a dataset's name says now. */
export type Current = Manifest | 'none' | 'unreadable';

/** The datasets of a store by id and version: their manifests, and the names that there are. */
export class Manifests {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** @throws DataRefError NOT_FOUND with what there is instead, CORRUPT */
  async require(id: string, version: string, options: IoOptions): Promise<Manifest> {
    const manifest = await this.read(id, version, options);
    if (manifest !== undefined) return manifest;
    const hint = await this.#hint(id, options);
    throw new DataRefError('NOT_FOUND', `no dataset ${id}@${version} in ${this.#store.description}${hint}`, {
      details: { id, version },
    });
  }

  /** What there is instead, for a message; nothing where the store cannot list. */
  async #hint(id: string, options: IoOptions): Promise<string> {
    try {
      const versions = (await this.#versions(encodeSegment(id, 'id'), options)).map(decodeSegment) as string[];
      if (versions.length > 0) return `; there are versions ${listed(versions)}`;
      const ids: string[] = [];
      for (const folder of await this.#folders('', options)) {
        if (ids.length === HINTS) break;
        if ((await this.#versions(folder, options)).length > 0) ids.push(decodeSegment(folder) as string);
      }
      return ids.length > 0 ? `; there are ${listed(ids)}` : ', which has no dataset yet';
    } catch (error) {
      if (isDataRefError(error, 'UNSUPPORTED')) return '';
      throw error;
    }
  }

  /** Fails with an abort alone: for those who decide what may be removed. */
  async current(id: string, version: string, options: IoOptions = {}): Promise<Current> {
    try {
      return (await this.read(id, version, options)) ?? 'none';
    } catch {
      options.signal?.throwIfAborted();
      return 'unreadable';
    }
  }

  /** @throws DataRefError CORRUPT, UNSUPPORTED */
  async read(id: string, version: string, options: IoOptions): Promise<Manifest | undefined> {
    const key = manifestKey(id, version);
    const where = `${this.#store.description}: ${key}`;
    return readAgain(true, async () => {
      const held = await orAbort(this.#store.get(key, MANIFEST_LIMIT_BYTES, options), options.signal);
      return held && decodeManifest(held.bytes, where, id, version);
    });
  }

  /** Every id and version that has a folder; unless `withLeftovers`, a dataset too. In order. */
  async names(options: IoOptions, withLeftovers = false): Promise<[string, string][]> {
    const names: [string, string][] = [];
    const idFolders = await this.#folders('', options);
    const versionsOf = (idFolder: string) => this.#versions(idFolder, options, withLeftovers);
    let at = 0;
    for await (const versionFolders of inOrder(idFolders, REQUESTS_AT_ONCE, versionsOf)) {
      const id = decodeSegment(idFolders[at++] as string) as string;
      for (const folder of versionFolders) names.push([id, decodeSegment(folder) as string]);
    }
    return names;
  }

  /** Folders of an id's versions. */
  async #versions(idFolder: string, options: IoOptions, withLeftovers = false): Promise<string[]> {
    const folders = await this.#folders(`${idFolder}/`, options);
    if (withLeftovers) return folders;
    const isThere = (name: string) =>
      orAbort(this.#store.head(`${idFolder}/${name}/dataset.json`, options), options.signal);
    const found: string[] = [];
    let at = 0;
    for await (const info of inOrder(folders, REQUESTS_AT_ONCE, isThere)) {
      if (info !== undefined) found.push(folders[at] as string);
      at++;
    }
    return found;
  }

  /** Names below a prefix that an id or a version gives, each once, in order. */
  async #folders(prefix: string, options: IoOptions): Promise<string[]> {
    const names = await orAbort(this.#store.listFolders(prefix, options), options.signal);
    return [...new Set(names)].filter((name) => decodeSegment(name) !== undefined).sort();
  }

  /** Two ids that differ by case alone would be one on some file systems. */
  async refuseOtherCase(id: string, { signal }: IoOptions): Promise<void> {
    const folder = encodeSegment(id, 'id');
    const other = (await orAbort(this.#store.listFolders('', { signal }), signal)).find(
      (name) => name !== folder && name.toLowerCase() === folder.toLowerCase(),
    );
    if (other !== undefined) {
      throw new DataRefError(
        'INVALID_ID',
        `id ${JSON.stringify(id)} differs from "${shown(decodeSegment(other) ?? other)}" by case alone; use that one, or another name`,
      );
    }
  }
}

/** Names that a store gave, for a message. */
function listed(names: readonly string[]): string {
  return names
    .slice(0, HINTS)
    .map((name) => shown(name))
    .join(', ');
}

/** Prefix of all that a dataset has. @throws DataRefError INVALID_ID */
export function folderOf(id: string, version: string): string {
  return `${encodeSegment(id, 'id')}/${encodeSegment(version, 'version')}/`;
}

/** Key of a dataset's manifest. @throws DataRefError INVALID_ID */
export function manifestKey(id: string, version: string): string {
  return `${folderOf(id, version)}dataset.json`;
}

/** Prefix of all generations of a dataset. @throws DataRefError INVALID_ID */
export function dataFolder(id: string, version: string): string {
  return `${folderOf(id, version)}data/`;
}

/** Prefix of a generation's files. @throws DataRefError INVALID_ID */
export function generationFolder(id: string, version: string, generation: string): string {
  return `${dataFolder(id, version)}${generation}/`;
}

export function alreadyExists(id: string, version: string): DataRefError {
  return new DataRefError(
    'ALREADY_EXISTS',
    `there is a dataset ${id}@${version} already; use another version, or ifExists: 'replace'`,
    { details: { id, version } },
  );
}
