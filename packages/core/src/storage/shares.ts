import { DataRefError, isDataRefError } from '../errors.js';
import { decodeShare, SHARE_LIMIT_BYTES, type Share } from '../format/share.js';
import type { IoOptions, ObjectInfo, ObjectStore } from '../store/object-store.js';
import { inOrder, REQUESTS_AT_ONCE } from './at-once.js';
import { eachFileBelow, filesBelow } from './listing.js';
import { folderOf } from './manifests.js';

const SHARE_FILE = /^(?:(0|[1-9]\d{0,4})-of-([1-9]\d{0,4})\.json|commit\.json)$/u;

const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** A share that is there, by its name. */
export interface FoundShare {
  readonly part: number;
  readonly of: number;
  readonly file: ObjectInfo;
}

/** The shares of a dataset that is not committed yet: `<id>/<version>/shares/`. */
export class Shares {
  readonly #store: ObjectStore;
  readonly #id: string;
  readonly #version: string;
  readonly #folder: string;

  constructor(store: ObjectStore, id: string, version: string) {
    this.#store = store;
    this.#id = id;
    this.#version = version;
    this.#folder = `${folderOf(id, version)}shares/`;
  }

  key(part: number, of: number): string {
    return `${this.#folder}${part}-of-${of}.json`;
  }

  /** The lease of who commits, or removes shares: one at a time. */
  get commitKey(): string {
    return `${this.#folder}commit.json`;
  }

  /** Every file of ours that is there, the commit's lease too. */
  files(options: IoOptions): Promise<ObjectInfo[]> {
    return filesBelow(this.#store, this.#folder, SHARE_FILE, options);
  }

  /** The shares that are there, in their order. */
  async list(options: IoOptions): Promise<FoundShare[]> {
    const found = (await this.files(options)).flatMap((file) => this.#shareOf(file) ?? []);
    return found.sort((a, b) => a.part - b.part || a.of - b.of);
  }

  /** Any that is there besides one. */
  async other({ part, of }: Pick<FoundShare, 'part' | 'of'>, options: IoOptions): Promise<FoundShare | undefined> {
    for await (const file of eachFileBelow(this.#store, this.#folder, SHARE_FILE, options)) {
      const share = this.#shareOf(file);
      if (share !== undefined && (share.part !== part || share.of !== of)) return share;
    }
    return undefined;
  }

  /**
   * Whether all others are there too: they are asked for in an order that soon meets one that is not, its neighbours and then places
   * far apart. Were all listed after each, the cost of n shares would be the square of n.
   */
  async hasAll({ part, of }: Pick<FoundShare, 'part' | 'of'>, options: IoOptions): Promise<boolean> {
    if (of === 1) return true;
    const stride = strideOf(of);
    const steps = (i: number): number => (i < 2 ? [1, of - 1][i] : (i - 1) * stride) as number;
    const has = async (i: number): Promise<boolean> =>
      (await this.#store.head(this.key((part + steps(i)) % of, of), options)) !== undefined;
    for (let i = 0, atOnce = 1; i <= of; i += atOnce, atOnce = Math.min(2 * atOnce, REQUESTS_AT_ONCE)) {
      const asked = Array.from({ length: Math.min(atOnce, of + 1 - i) }, (_, j) => has(i + j));
      if ((await Promise.all(asked)).includes(false)) return false;
    }
    return true;
  }

  #shareOf(file: ObjectInfo): FoundShare | undefined {
    const [, part, of] = SHARE_FILE.exec(file.key.slice(this.#folder.length)) ?? [];
    return part === undefined || Number(part) >= Number(of) ? undefined : { part: Number(part), of: Number(of), file };
  }

  /** @throws DataRefError CORRUPT, UNSUPPORTED */
  async read({ part, of }: Pick<FoundShare, 'part' | 'of'>, options: IoOptions): Promise<Share | undefined> {
    const key = this.key(part, of);
    const held = await this.#store.get(key, SHARE_LIMIT_BYTES, options);
    const expected = { id: this.#id, version: this.#version, part, of };
    return held && decodeShare(held.bytes, `${this.#store.description}: ${key}`, expected);
  }

  /** The generations that shares name. One whose file is damaged names none: it can never be committed. */
  async generations(found: readonly FoundShare[], options: IoOptions): Promise<Set<string>> {
    const generations = new Set<string>();
    const read = (share: FoundShare) =>
      this.read(share, options).catch((error: unknown) => {
        if (isDataRefError(error, 'CORRUPT', 'UNSUPPORTED')) return undefined;
        throw error;
      });
    for await (const share of inOrder(found, REQUESTS_AT_ONCE, read))
      if (share !== undefined) generations.add(share.generation);
    return generations;
  }
}

/** Steps of so many go round a circle of `of` over each of its places once, and leave no large gap before. */
function strideOf(of: number): number {
  let stride = Math.max(1, Math.round(of * GOLDEN));
  while (greatestDivisor(stride, of) > 1) stride++;
  return stride;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

/** The refusal of a share that is one of another number than those that are there. */
export function otherNumber(
  { id, version, of }: { readonly id: string; readonly version: string; readonly of: number },
  found: FoundShare,
): DataRefError {
  return new DataRefError(
    'INVALID_ARGUMENT',
    `writer: ${id}@${version} is written in ${found.of} shares, of which share ${found.part} is there, not in ${of}; delete(id, version) removes them, to begin anew`,
    { details: { of, found: found.of } },
  );
}
