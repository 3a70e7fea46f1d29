import { MemoryStore } from '../../../dist/store/memory-store.js';
import type { ByteRange, IoOptions, ObjectReader, OpenOptions } from '../../../dist/store/object-store.js';

/** A store as far away as a test needs it: it counts what is read from it, waits where it is told to, and fails. */
export class FarStore extends MemoryStore {
  /** Bytes read by key. */
  readonly bytes = new Map<string, number>();
  /** Every read: its key, position and size. */
  readonly reads: { readonly key: string; readonly position: number; readonly byteLength: number }[] = [];
  underWay = 0;
  /** Waited for before each read; a rejection is its failure. */
  before: (key: string, signal: AbortSignal | undefined) => Promise<void> = async () => undefined;
  /** Changes bytes on their way. */
  spoil: (key: string, bytes: Uint8Array) => void = () => undefined;

  get totalBytes(): number {
    return [...this.bytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  override async open(key: string, _options?: OpenOptions): Promise<ObjectReader | undefined> {
    const reader = await super.open(key);
    if (reader === undefined) return undefined;
    const read = async (into: Uint8Array, position: number, options: IoOptions = {}): Promise<void> => {
      this.underWay++;
      try {
        await this.before(key, options.signal);
        this.reads.push({ key, position, byteLength: into.length });
        await reader.read(into, position, options);
        this.bytes.set(key, (this.bytes.get(key) ?? 0) + into.length);
        this.spoil(key, into);
      } finally {
        this.underWay--;
      }
    };
    return {
      byteLength: reader.byteLength,
      read,
      async readRanges(ranges: readonly ByteRange[], options?: IoOptions) {
        await Promise.all(ranges.map(({ into, position }) => read(into, position, options)));
      },
      close: () => reader.close(),
    };
  }
}

/** A failure that may pass. */
export function passing(): Error {
  return Object.assign(new Error('the network hiccups'), {
    name: 'DataRefError',
    code: 'STORE_FAILED',
    details: { isTransient: true },
  });
}
