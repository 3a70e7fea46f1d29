import { checkKey } from './key.js';
import { tooLarge, truncated } from './store-errors.js';
import { checkPut } from './put-conditions.js';
import type {
  IoOptions,
  ObjectInfo,
  ObjectReader,
  ObjectStore,
  ObjectWriter,
  PutOptions,
  StoredObject,
} from './object-store.js';

interface Held {
  readonly bytes: Uint8Array;
  readonly modifiedMs: number;
  readonly version: string;
}

/** An ObjectStore in this process's memory: for tests, and for what need not outlive the process. */
export class MemoryStore implements ObjectStore {
  readonly description = 'memory:';
  readonly #objects = new Map<string, Held>();
  #writes = 0;

  async head(key: string, { signal }: IoOptions = {}): Promise<ObjectInfo | undefined> {
    signal?.throwIfAborted();
    const held = this.#objects.get(checkKey(key));
    return held && { key, byteLength: held.bytes.length, modifiedMs: held.modifiedMs };
  }

  async get(key: string, limitBytes: number, { signal }: IoOptions = {}): Promise<StoredObject | undefined> {
    signal?.throwIfAborted();
    const held = this.#objects.get(checkKey(key));
    if (held === undefined) return undefined;
    if (held.bytes.length > limitBytes) throw tooLarge(key, held.bytes.length, limitBytes);
    return { bytes: held.bytes.slice(), version: held.version };
  }

  async open(key: string, { signal: ended }: IoOptions = {}): Promise<ObjectReader | undefined> {
    ended?.throwIfAborted();
    const bytes = this.#objects.get(checkKey(key))?.bytes;
    if (bytes === undefined) return undefined;
    const readSync = (into: Uint8Array, position: number): void => {
      if (position + into.length > bytes.length) throw truncated(key, position + into.length, bytes.length);
      into.set(bytes.subarray(position, position + into.length));
    };
    return {
      byteLength: bytes.length,
      readSync,
      async read(into, position, { signal } = {}) {
        signal?.throwIfAborted();
        readSync(into, position);
      },
      async readRanges(ranges, { signal } = {}) {
        signal?.throwIfAborted();
        for (const { into, position } of ranges) readSync(into, position);
      },
      close: async () => undefined,
    };
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<string | undefined> {
    const { signal, ifAbsent, ifVersion } = checkPut(options);
    signal?.throwIfAborted();
    const held = this.#objects.get(checkKey(key));
    if (ifAbsent === true && held !== undefined) return undefined;
    if (ifVersion !== undefined && held?.version !== ifVersion) return undefined;
    return this.#hold(key, bytes.slice());
  }

  async create(key: string, { signal }: IoOptions = {}): Promise<ObjectWriter> {
    checkKey(key);
    signal?.throwIfAborted();
    let chunks: Uint8Array[] = [];
    return {
      write: async (bytes) => {
        signal?.throwIfAborted();
        chunks.push(bytes.slice());
      },
      commit: async () => {
        signal?.throwIfAborted();
        const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
        let at = 0;
        for (const chunk of chunks) {
          whole.set(chunk, at);
          at += chunk.length;
        }
        this.#hold(key, whole);
      },
      abort: async () => void (chunks = []),
    };
  }

  #hold(key: string, bytes: Uint8Array): string {
    const version = String(++this.#writes);
    this.#objects.set(key, { bytes, modifiedMs: Date.now(), version });
    return version;
  }

  async *list(prefix: string, { signal }: IoOptions = {}): AsyncGenerator<ObjectInfo> {
    signal?.throwIfAborted();
    for (const [key, { bytes, modifiedMs }] of Array.from(this.#objects)) {
      signal?.throwIfAborted();
      if (key.startsWith(prefix)) yield { key, byteLength: bytes.length, modifiedMs };
    }
  }

  async listFolders(prefix: string, { signal }: IoOptions = {}): Promise<readonly string[]> {
    signal?.throwIfAborted();
    const names = new Set<string>();
    for (const key of this.#objects.keys()) {
      const rest = key.startsWith(prefix) ? key.slice(prefix.length).split('/') : [];
      if (rest.length > 1) names.add(rest[0] as string);
    }
    return [...names];
  }

  async delete(key: string, { signal, ifVersion }: Pick<PutOptions, 'signal' | 'ifVersion'> = {}): Promise<boolean> {
    signal?.throwIfAborted();
    if (ifVersion !== undefined && this.#objects.get(checkKey(key))?.version !== ifVersion) return false;
    return this.#objects.delete(checkKey(key));
  }

  async sweep(): Promise<number> {
    return 0;
  }
}
