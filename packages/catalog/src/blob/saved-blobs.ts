import type { IoOptions } from '@dataref/core/store';
import { folderOf } from '../names/names.js';
import type { Draft } from '../record/history.js';
import { addVersion, findOf, recordToSave, type Found } from '../record/lookup.js';
import { newToken, type Records } from '../record/records.js';
import type { Metadata } from '../record/types.js';
import { blobPieces, readBlob, writeBlob } from './blobs.js';

/** What a version of a blob is saved with, checked. */
export interface BlobOptions extends IoOptions {
  readonly tags: readonly string[];
  readonly metadata: Metadata;
}

/** The blobs of a catalog. */
export class SavedBlobs {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  async save(name: string, pieces: AsyncGenerator<Uint8Array>, options: BlobOptions): Promise<Found> {
    const { tags, metadata, signal } = options;
    const { store } = this.#records;
    await recordToSave(this.#records, name, 'blob', { signal });
    const token = newToken();
    const key = `${folderOf(name)}${token}.blob`;
    const written = await writeBlob(store, key, pieces, { signal });
    const createdAt = new Date().toISOString();
    const draft: Draft = { kind: 'blob', token, createdAt, ...written, metadata, key };
    return addVersion(
      this.#records,
      name,
      token,
      () => draft,
      tags,
      () => store.delete(key),
      { signal },
    );
  }

  async load(given: string, options: IoOptions): Promise<Uint8Array> {
    const { saved } = await findOf(this.#records, given, 'blob', options);
    return readBlob(this.#records.store, saved, given, options);
  }

  async *stream(given: string, options: IoOptions): AsyncGenerator<Uint8Array> {
    const { saved } = await findOf(this.#records, given, 'blob', options);
    yield* blobPieces(this.#records.store, saved, given, options);
  }
}
