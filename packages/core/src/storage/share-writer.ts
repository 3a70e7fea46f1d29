import { countOf, ioOptionsOf, refuseUnknown } from '../arguments.js';
import type { DataRef } from '../dataset/types.js';
import type { Manifest } from '../format/manifest.js';
import { lazyModule } from '../lazy-module.js';
import { endedByAbort } from '../or-abort.js';
import { withLastReport } from '../progress.js';
import type { Schema } from '../schema/types.js';
import { folderOf, type Manifests } from './manifests.js';
import type { StorageParts } from './storage-parts.js';
import type { ProgressOptions, ShareOptions, ShareWriter } from './types.js';

/** Shares of one dataset, at most. */
const MAX_SHARES = 2 ** 16;

const loadWriting = lazyModule('what writes shares', () => import('./write-share.js'));
const loadWaiting = lazyModule('what waits for shares', () => import('./whole-dataset.js'));

/** One of several writers of a dataset. What only writing needs is loaded by `submit` and `whole`. */
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

  async submit(data: unknown, options: ProgressOptions & { readonly schema?: Schema | undefined } = {}): Promise<void> {
    const { schema, signal, onProgress, ...unknown } = ioOptionsOf('submit', options);
    refuseUnknown('submit', unknown, ['schema', 'signal', 'onProgress']);
    return endedByAbort(signal, async () => {
      const { writeShare } = await loadWriting();
      await withLastReport(onProgress, (tell) =>
        writeShare(this.#parts, this.#manifests, this, data, schema, { signal, onProgress: tell }),
      );
      this.#hasSubmitted = true;
    });
  }

  async whole(options: ProgressOptions = {}): Promise<DataRef> {
    const { signal, onProgress, ...unknown } = ioOptionsOf('whole', options);
    refuseUnknown('whole', unknown, ['signal', 'onProgress']);
    return endedByAbort(signal, async () => {
      const { wholeDataset } = await loadWaiting();
      const manifest = await withLastReport(onProgress, (tell) =>
        wholeDataset(this.#parts, this.#manifests, this, this.#hasSubmitted, { signal, onProgress: tell }),
      );
      return this.#open(manifest);
    });
  }
}
