import { DataRefError } from '@dataref/core';
import { inOrder, locksOf, orAbort, REQUESTS_AT_ONCE, updateObject } from '@dataref/core/adapter';
import type { IoOptions, ObjectStore } from '@dataref/core/store';
import { CATALOG_FOLDER, foldedName, nameOf, recordKey } from '../names/names.js';
import { decodeRecord, encodeRecord, RECORD_LIMIT_BYTES } from './record-file.js';
import type { CatalogRecord } from './types.js';

/** What a record becomes; undefined leaves it as it is. */
export type Change = (now: CatalogRecord | undefined) => RecordContent | undefined | Promise<RecordContent | undefined>;
/** A record but for what every change gives anew. */
export type RecordContent = Omit<CatalogRecord, 'revision' | 'changedAt'>;

/** 16 hexadecimal digits, never the same twice. */
export function newToken(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A name that nobody has saved under. */
export function newRecord(name: string): RecordContent {
  return { name, lastVersion: 0, tags: {}, versions: [] };
}

/** The records of a catalog by name, each an object of its own that is replaced only while it is the one that was read. */
export class Records {
  readonly store: ObjectStore;

  constructor(store: ObjectStore) {
    this.store = store;
  }

  /** @throws DataRefError CORRUPT, UNSUPPORTED */
  async read(name: string, options: IoOptions = {}): Promise<CatalogRecord | undefined> {
    const found = await this.#find(name, isLike(name), options);
    return found?.name === name ? found : undefined;
  }

  async #find(
    name: string,
    isIts: (name: string) => boolean,
    { signal }: IoOptions,
  ): Promise<CatalogRecord | undefined> {
    const held = await orAbort(this.store.get(recordKey(name), RECORD_LIMIT_BYTES, { signal }), signal);
    return held && this.#decode(held.bytes, name, isIts);
  }

  #decode(bytes: Uint8Array, name: string, isIts: (name: string) => boolean): CatalogRecord {
    return decodeRecord(bytes, `${this.store.description}: ${recordKey(name)}`, isIts);
  }

  /**
   * Changes a record where nobody else has changed it meanwhile; else `change` is asked again, of the newer one.
   * @returns the record then; undefined where there is none
   */
  async update(name: string, change: Change, options: IoOptions = {}): Promise<CatalogRecord | undefined> {
    const key = recordKey(name);
    const revision = newToken();
    let result: CatalogRecord | undefined;
    await updateObject(
      this.store,
      key,
      RECORD_LIMIT_BYTES,
      async (held) => {
        const found = held && this.#decode(held.bytes, name, isLike(name));
        const now = found?.name === name ? found : undefined;
        const isOurs = now?.revision === revision; // an attempt whose answer got lost has come to pass
        const next = isOurs ? undefined : await change(now);
        if (next !== undefined && found !== now) throw lookalike(name, found as CatalogRecord);
        result = next === undefined ? now : { ...next, revision, changedAt: new Date().toISOString() };
        return next === undefined ? undefined : encodeRecord(result as CatalogRecord);
      },
      options,
    );
    return result;
  }

  /** One at a time in this process, so that changes of one record do not undo each other's attempts. */
  inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    return locksOf(this.store).run(recordKey(name), work);
  }

  /** Every name that has a record, also what is left of deleted ones; in order. */
  async names({ signal }: IoOptions = {}): Promise<string[]> {
    const folders = await orAbort(this.store.listFolders(CATALOG_FOLDER, { signal }), signal);
    return [...new Set(folders)]
      .map(nameOf)
      .filter((name) => name !== undefined)
      .sort();
  }

  /** Every record, in the order of names. */
  async *all(options: IoOptions = {}): AsyncGenerator<CatalogRecord> {
    const read = (name: string): Promise<CatalogRecord | undefined> =>
      this.#find(name, (found) => found === name, options);
    for await (const record of inOrder(await this.names(options), REQUESTS_AT_ONCE, read))
      if (record !== undefined) yield record;
  }

  /**
   * Two names that differ by case alone would be one on some file systems, and by Unicode form to everybody's eyes.
   * @throws DataRefError INVALID_ID
   */
  async refuseLookalike(name: string, options: IoOptions): Promise<void> {
    const isAlike = isLike(name);
    const other = (await this.names(options)).find((found) => found !== name && isAlike(found));
    if (other !== undefined) throw lookalike(name, (await this.read(other, options)) ?? newRecord(other));
  }
}

/** Whether another name is the same but for case and Unicode form: some file systems give the record of the one for the other. */
function isLike(name: string): (other: string) => boolean {
  const folded = foldedName(name);
  return (other) => foldedName(other) === folded;
}

function lookalike(name: string, { name: other, versions }: RecordContent): DataRefError {
  const way = name.normalize('NFC') === other.normalize('NFC') ? 'Unicode form' : 'case';
  const [gone, until] =
    versions.length > 0
      ? ['', '']
      : [', which was deleted or renamed,', ', until vacuum({ graceMs }) has forgotten it'];
  return new DataRefError(
    'INVALID_ID',
    `name ${JSON.stringify(name)} differs from ${JSON.stringify(other)}${gone} by ${way} alone; use that one, or another name${until}`,
    { details: { what: 'name' } },
  );
}
