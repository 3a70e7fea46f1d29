import { checkKey } from './key.js';
import { tooLarge, truncated } from './store-errors.js';
import type { IoOptions, ObjectInfo, ObjectReader, ObjectStore, ObjectWriter, PutOptions } from './object-store.js';

interface Held {
  readonly bytes: Uint8Array;
  readonly modifiedMs: number;
}

/** An ObjectStore in this process's memory: for tests, and for what need not outlive the process. */
export class MemoryStore implements ObjectStore {
  readonly description = 'memory:';
  readonly #objects = new Map<string, Held>();

  async head(key: string): Promise<ObjectInfo | undefined> {
    const held = this.#objects.get(checkKey(key));
    return held && { key, byteLength: held.bytes.length, modifiedMs: held.modifiedMs };
  }

  async get(key: string, limitBytes: number): Promise<Uint8Array | undefined> {
    const bytes = this.#objects.get(checkKey(key))?.bytes;
    if (bytes !== undefined && bytes.length > limitBytes) throw tooLarge(key, bytes.length, limitBytes);
    return bytes?.slice();
  }

  async open(key: string): Promise<ObjectReader | undefined> {
    const bytes = this.#objects.get(checkKey(key))?.bytes;
    if (bytes === undefined) return undefined;
    const readSync = (into: Uint8Array, position: number): void => {
      if (position + into.length > bytes.length) throw truncated(key, position + into.length, bytes.length);
      into.set(bytes.subarray(position, position + into.length));
    };
    return {
      byteLength: bytes.length,
      readSync,
      read: async (into, position) => readSync(into, position),
      close: async () => undefined,
    };
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<boolean> {
    options.signal?.throwIfAborted();
    if (options.ifAbsent === true && this.#objects.has(checkKey(key))) return false;
    this.#objects.set(checkKey(key), { bytes: bytes.slice(), modifiedMs: Date.now() });
    return true;
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
        const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
        let at = 0;
        for (const chunk of chunks) {
          whole.set(chunk, at);
          at += chunk.length;
        }
        this.#objects.set(key, { bytes: whole, modifiedMs: Date.now() });
      },
      abort: async () => void (chunks = []),
    };
  }

  async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    for (const [key, { bytes, modifiedMs }] of Array.from(this.#objects)) {
      if (key.startsWith(prefix)) yield { key, byteLength: bytes.length, modifiedMs };
    }
  }

  async listFolders(prefix: string): Promise<readonly string[]> {
    const names = new Set<string>();
    for (const key of this.#objects.keys()) {
      const rest = key.startsWith(prefix) ? key.slice(prefix.length).split('/') : [];
      if (rest.length > 1) names.add(rest[0] as string);
    }
    return [...names];
  }

  async delete(key: string): Promise<boolean> {
    return this.#objects.delete(checkKey(key));
  }

  async sweep(): Promise<number> {
    return 0;
  }
}
