import { countOf, refuseUnknown } from '../arguments.js';
import type { DataRef } from '../dataset/types.js';
import { DataRefError } from '../errors.js';
import type { Manifest } from '../format/manifest.js';
import { reporter } from '../progress.js';
import type { Schema } from '../schema/types.js';
import { waits } from './commit-claim.js';
import { folderOf, type Manifests } from './manifests.js';
import { MAX_SHARES, Shares } from './shares.js';
import type { StorageParts } from './storage-parts.js';
import type { ProgressOptions, ShareOptions, ShareWriter } from './types.js';

/** One of several writers of a dataset. What only writing needs is loaded by `submit`. */
export class DatasetShareWriter implements ShareWriter {
  readonly id: string;
  readonly version: string;
  readonly part: number;
  readonly of: number;
  readonly #parts: StorageParts;
  readonly #manifests: Manifests;
  readonly #open: (manifest: Manifest) => DataRef;
  #hasSubmitted = false;

  /** @throws DataRefError INVALID_ID, INVALID_ARGUMENT */
  constructor(
    parts: StorageParts,
    manifests: Manifests,
    open: (manifest: Manifest) => DataRef,
    id: string,
    version: string,
    { part, of, ...unknown }: ShareOptions,
  ) {
    refuseUnknown('writer', unknown, ['part', 'of']);
    folderOf(id, version);
    this.id = id;
    this.version = version;
    this.of = countOf('writer: of', of, 1, MAX_SHARES);
    this.part = countOf('writer: part', part, 0, this.of - 1);
    this.#parts = parts;
    this.#manifests = manifests;
    this.#open = open;
  }

  async submit(data: unknown, options: ProgressOptions & { readonly schema?: Schema } = {}): Promise<void> {
    const { schema, signal, onProgress, ...unknown } = options;
    refuseUnknown('submit', unknown, ['schema', 'signal', 'onProgress']);
    signal?.throwIfAborted();
    const { writeShare } = await import('./write-share.js');
    await writeShare(this.#parts, this.#manifests, this, data, schema, { signal, onProgress });
    this.#hasSubmitted = true;
  }

  async whole(options: ProgressOptions = {}): Promise<DataRef> {
    const { signal, onProgress, ...unknown } = options;
    refuseUnknown('whole', unknown, ['signal', 'onProgress']);
    const { id, version, part, of } = this;
    const shares = new Shares(this.#parts.store, id, version);
    const report = reporter(onProgress, 'wait', of, 'parts');
    const wait = waits(signal);
    for (;;) {
      // Before the manifest: shares that a commit has removed are in it.
      const found = await shares.list({ signal });
      const committed = await this.#manifests.read(id, version, { signal });
      if (committed !== undefined) return this.#open(committed);
      const ours = found.filter((share) => share.of === of);
      report(ours.length);
      if (ours.length === of) {
        // The one that should have committed may be dead.
        const { commitShares } = await import('./commit-shares.js');
        const manifest = await commitShares(this.#parts, this.#manifests, this, signal);
        if (manifest !== undefined) return this.#open(manifest);
      } else if (this.#hasSubmitted && !ours.some((share) => share.part === part)) {
        throw new DataRefError(
          'NOT_FOUND',
          `share ${part} of ${of} of ${id}@${version} is not there any more, and no dataset: a delete or a vacuum has removed it; submit it again`,
          { details: { id, version, part, of } },
        );
      }
      await wait();
    }
  }
}
