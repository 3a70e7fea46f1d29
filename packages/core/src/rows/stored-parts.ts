import { DataRefError } from '../errors.js';
import { bodyLayout, decodeHead, type PartHead } from '../format/head.js';
import { hasHeadFile, type PlacedBuffer } from '../format/layout.js';
import type { Manifest, PartInfo } from '../format/manifest.js';
import { partPaths } from '../format/part-files.js';
import { PartTable } from '../format/plan.js';
import { leavesOf, type Leaf } from '../schema/schema.js';
import type { ExpectedObject, ObjectReader, ObjectStore } from '../store/object-store.js';
import { readAgain } from './read-again.js';
import type { Outlook } from './row-source.js';
import { SharedTask } from './shared-task.js';

const MAX_OPEN_FILES = 256;
/** Heads up to this size are read in the main thread, where the store allows it: a fraction of a millisecond. */
const SMALL_HEAD_BYTES = 2 ** 20;

interface OpenFile {
  readonly opening: Promise<ObjectReader>;
  /** Once it is open. */
  reader: ObjectReader | undefined;
}

function slotOf(number: number, kind: 'arrow' | 'head'): number {
  return kind === 'arrow' ? number : -1 - number;
}

/** The files of a stored dataset: opened when needed, closed when nobody holds them. */
export class StoredParts {
  readonly manifest: Manifest;
  readonly leaves: readonly Leaf[];
  readonly table: PartTable;
  /** Whether the heads of all parts together fit the memory that is meant for them. */
  readonly keepsHeads: boolean;
  readonly store: ObjectStore;
  readonly #folder: string;
  readonly #pathOf: (part: number) => string;
  readonly #headLimitBytes: number;
  readonly #files = new Map<number, OpenFile>();
  readonly #comingHeads = new Map<number, SharedTask<PartHead>>();
  /** Most recently used last, unless all fit. */
  readonly #heads = new Map<number, PartHead>();
  #headBytes = 0;
  readonly #bodies = new Map<number, readonly PlacedBuffer[]>();
  #isFar = false;
  #holders = 0;
  #reads = 0;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param folder prefix of the dataset's generations, ending in `/` */
  constructor(store: ObjectStore, folder: string, manifest: Manifest, headLimitBytes: number) {
    this.manifest = manifest;
    this.leaves = leavesOf(manifest.schema);
    this.table = new PartTable(manifest.parts);
    this.#headLimitBytes = headLimitBytes;
    this.keepsHeads = manifest.parts.reduce((sum, part) => sum + part.headBytes, 0) <= headLimitBytes;
    this.store = store;
    this.#folder = folder;
    this.#pathOf = partPaths(manifest);
  }

  get name(): string {
    return `${this.manifest.id}@${this.manifest.version}`;
  }

  /** Whether reading waits for something else than a local disk, as far as the files opened last tell. */
  get isFar(): boolean {
    return this.#isFar;
  }

  part(number: number): PartInfo {
    return this.manifest.parts[number] as PartInfo;
  }

  /** Where the buffers of a part lie in its Arrow file. */
  body(number: number): readonly PlacedBuffer[] {
    let placed = this.#bodies.get(number);
    if (placed === undefined) {
      placed = bodyLayout(this.leaves, this.part(number));
      this.#bodies.set(number, placed);
    }
    return placed;
  }

  bufferStart(number: number, leaf: number, role: PlacedBuffer['role']): number {
    return (this.body(number).find((buffer) => buffer.leaf === leaf && buffer.role === role) as PlacedBuffer).start;
  }

  /** An open part file. @throws DataRefError GENERATION_GONE when it is not there any more, CORRUPT when it is shorter than it was */
  file(number: number, kind: 'arrow' | 'head'): Promise<ObjectReader> {
    const slot = slotOf(number, kind);
    let file = this.#files.get(slot);
    if (file === undefined) {
      const opening = this.#open(number, kind);
      const opened: OpenFile = { opening, reader: undefined };
      opening.then(
        (reader) => (opened.reader = reader),
        () => this.#files.delete(slot),
      );
      file = opened;
    }
    this.#markUsed(slot, file);
    return file.opening;
  }

  /** Whether wrong bytes came from local copies, which are gone now: then the same read is right the next time. */
  async recheck(numbers: Iterable<number>): Promise<boolean> {
    const files = Array.from(numbers, (number) => [this.fileNow(number, 'arrow'), this.fileNow(number, 'head')]);
    const wrong = await Promise.all(files.flat().map(async (file) => (await file?.recheck?.()) ?? false));
    return wrong.includes(true);
  }

  /** A part file that is open already. */
  fileNow(number: number, kind: 'arrow' | 'head'): ObjectReader | undefined {
    const slot = slotOf(number, kind);
    const file = this.#files.get(slot);
    if (file?.reader !== undefined) this.#markUsed(slot, file);
    return file?.reader;
  }

  /** Most recently used last. */
  #markUsed(slot: number, file: OpenFile): void {
    this.#files.delete(slot);
    this.#files.set(slot, file);
  }

  /** A part's head, kept from then on where all fit, else as long as there is room. @throws DataRefError CORRUPT, GENERATION_GONE */
  head(number: number, signal?: AbortSignal): Promise<PartHead> {
    const kept = this.#heads.get(number);
    if (kept !== undefined) {
      if (!this.keepsHeads) this.#keepHead(number, kept);
      return Promise.resolve(kept);
    }
    const known = this.#comingHeads.get(number);
    if (known?.isStopped === false) return known.join(signal);
    const head = new SharedTask((stop) => this.#readHead(number, stop));
    this.#comingHeads.set(number, head);
    const forget = (): void => {
      if (this.#comingHeads.get(number) === head) this.#comingHeads.delete(number);
    };
    head.result
      .then((ready) => this.#keepHead(number, ready))
      .finally(forget)
      .catch(() => undefined);
    return head.join(signal);
  }

  #keepHead(number: number, head: PartHead): void {
    if (!this.#heads.delete(number)) this.#headBytes += this.part(number).headBytes;
    this.#heads.set(number, head);
    if (this.keepsHeads) return;
    for (const oldest of this.#heads.keys()) {
      if (this.#headBytes <= this.#headLimitBytes) return;
      this.#heads.delete(oldest);
      this.#headBytes -= this.part(oldest).headBytes;
    }
  }

  /** Heads that are in memory. */
  get heads(): ReadonlyMap<number, PartHead> {
    return this.#heads;
  }

  /** Parts in groups whose heads fit the memory together, or which are one alone. */
  groupsByHeads(numbers: readonly number[]): number[][] {
    const groups: number[][] = [];
    let groupBytes = Infinity;
    for (const number of numbers) {
      const { headBytes } = this.part(number);
      if (groupBytes + headBytes > this.#headLimitBytes) {
        groups.push([]);
        groupBytes = 0;
      }
      groups.at(-1)?.push(number);
      groupBytes += headBytes;
    }
    return groups;
  }

  /** Keeps files open between reads, and tells the store what comes next, until the returned function is called. */
  hold(outlook?: Outlook, reader?: object): () => Promise<void> {
    this.#holders++;
    let held = true;
    const unfollow = outlook && this.store.follow?.({ upcoming: () => this.#upcoming(outlook), reader });
    return async () => {
      if (!held) return;
      held = false;
      unfollow?.();
      this.#holders--;
      await this.#closeUnused();
    };
  }

  /** Runs a read, whose files stay open until it has ended, whoever else ends meanwhile. */
  async during<T>(read: () => Promise<T>): Promise<T> {
    this.#reads++;
    try {
      return await read();
    } finally {
      this.#reads--;
      await this.#closeUnused();
    }
  }

  /** Runs reads that fill the memory for heads, one after another. */
  inTurn<T>(read: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(read);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  get isHeld(): boolean {
    return this.#holders > 0;
  }

  /** The files that hold rows, each once; heads before bodies, and not those that are in memory already. */
  *#upcoming(outlook: Outlook): Generator<ExpectedObject> {
    const { manifest, table } = this;
    const wanted = manifest.parts.filter(({ records }) => records > 0).length;
    const seen = new Set<number>();
    for (const { start, end } of outlook()) {
      if (start >= end) continue;
      for (let number = table.locate(start); number <= table.locate(end - 1); number++) {
        if (this.part(number).records === 0 || seen.has(number)) continue;
        seen.add(number);
        const hasHead = this.keepsHeads && this.#heads.has(number);
        if (hasHeadFile(this.leaves) && !hasHead) yield this.#expected(number, 'head');
        if (hasHeadFile(this.leaves) || !hasHead) yield this.#expected(number, 'arrow');
      }
      if (seen.size === wanted) return;
    }
  }

  #expected(number: number, kind: 'arrow' | 'head'): ExpectedObject {
    const { byteLength, headBytes, crc32, headCrc32 } = this.part(number);
    const key = `${this.#folder}${this.#pathOf(number)}.${kind}`;
    return kind === 'arrow' ? { key, byteLength, crc32 } : { key, byteLength: headBytes, crc32: headCrc32 };
  }

  /** While nothing is read: closes all files where nobody holds them, else those used longest ago. */
  async #closeUnused(): Promise<void> {
    if (this.#reads > 0) return;
    const keep = this.#holders > 0 ? MAX_OPEN_FILES : 0;
    if (this.#files.size > keep) await this.#close(keep);
  }

  async #close(keep: number): Promise<void> {
    const files = [...this.#files].slice(0, this.#files.size - keep);
    for (const [slot] of files) this.#files.delete(slot);
    const readers = await Promise.allSettled(files.map(([, file]) => file.opening));
    await Promise.all(
      readers.map((reader) => (reader.status === 'fulfilled' ? reader.value.close() : Promise.resolve())),
    );
  }

  async #open(number: number, kind: 'arrow' | 'head'): Promise<ObjectReader> {
    const { key, byteLength: expected, crc32 } = this.#expected(number, kind);
    const reader = await this.store.open(key, { byteLength: expected, crc32 });
    if (reader === undefined) {
      throw new DataRefError(
        'GENERATION_GONE',
        `${this.name}: part ${number} is gone from ${this.store.description}; the dataset was replaced or deleted, and vacuumed. Fetch it again; where the part is gone then too, delete it and store it again`,
        { details: { key } },
      );
    }
    this.#isFar = reader.readSync === undefined;
    if (reader.byteLength === expected) return reader;
    await reader.close();
    throw new DataRefError(
      'CORRUPT',
      `${this.name}: ${key} has ${reader.byteLength} bytes, expected ${expected}; it was cut short or changed`,
      {
        details: { key, expected, got: reader.byteLength },
      },
    );
  }

  async #readHead(number: number, signal: AbortSignal): Promise<PartHead> {
    const { headBytes, bodyStart } = this.part(number);
    const own = hasHeadFile(this.leaves);
    if (headBytes === 0)
      return decodeHead(this.leaves, this.part(number), new Uint8Array(0), `${this.name}: part ${number}`);
    return this.during(async () => {
      const file = await this.file(number, own ? 'head' : 'arrow'); // its size is that of the manifest: room for it may be made
      const head = new Uint8Array(headBytes);
      const start = own ? 0 : bodyStart;
      return readAgain(file.readSync === undefined, async () => {
        if (file.readSync !== undefined && headBytes <= SMALL_HEAD_BYTES) file.readSync(head, start);
        else await file.read(head, start, { signal });
        return decodeHead(this.leaves, this.part(number), head, `${this.name}: part ${number}`);
      });
    });
  }
}
