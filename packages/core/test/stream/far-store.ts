import { onAbort } from '../../dist/or-abort.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import type { Forecast, IoOptions, ObjectReader, OpenOptions } from '../../dist/store/object-store.js';

export interface Request {
  readonly key: string;
  readonly position: number;
  readonly byteLength: number;
  /** Requests of one turn of the event loop have the same. */
  readonly turn: number;
}

/** A store in memory as one far away: what is asked for in one turn is answered in later ones, in any order; all is counted. */
export class FarStore extends MemoryStore {
  readonly requests: Request[] = [];
  readonly forecasts: Forecast[] = [];
  /** Reads under way, and the most there ever were. */
  pending = 0;
  mostPending = 0;
  openReaders = 0;
  /** Turns in which anything was answered: what an epoch takes where each answer takes equally long. */
  answers = 0;
  /** Makes the read of a place fail, or wait for longer. */
  hinder: ((key: string, position: number) => Promise<void>) | undefined;
  #turn = 0;
  #isCounting = false;
  #waiting: (() => void)[] = [];

  override async open(key: string, _options?: OpenOptions): Promise<ObjectReader | undefined> {
    const reader = await super.open(key);
    if (reader === undefined) return undefined;
    this.openReaders++;
    const read = (into: Uint8Array, position: number, io: IoOptions = {}): Promise<void> =>
      this.#answer({ key, position, byteLength: into.length, turn: this.#thisTurn() }, io.signal, () =>
        reader.read(into, position),
      );
    return {
      byteLength: reader.byteLength,
      read,
      readRanges: async (ranges, io) => {
        const results = await Promise.allSettled(ranges.map(({ into, position }) => read(into, position, io)));
        for (const result of results) if (result.status === 'rejected') throw result.reason;
      },
      close: async () => void this.openReaders--,
    };
  }

  follow(forecast: Forecast): () => void {
    this.forecasts.push(forecast);
    return () => void this.forecasts.splice(this.forecasts.indexOf(forecast), 1);
  }

  bytes(kind = ''): number {
    return this.requests.filter(({ key }) => key.endsWith(kind)).reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** The number of this turn of the event loop, the same for whoever asks before the next one. */
  #thisTurn(): number {
    if (!this.#isCounting) {
      this.#isCounting = true;
      setImmediate(() => {
        this.#isCounting = false;
        this.#turn++;
      });
    }
    return this.#turn;
  }

  async #answer(request: Request, signal: AbortSignal | undefined, read: () => Promise<void>): Promise<void> {
    signal?.throwIfAborted();
    this.requests.push(request);
    this.mostPending = Math.max(this.mostPending, ++this.pending);
    try {
      await this.#turnOfAnswers(signal);
      await this.hinder?.(request.key, request.position);
      signal?.throwIfAborted();
      await read();
    } finally {
      this.pending--;
    }
  }

  #turnOfAnswers(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal !== undefined) onAbort(signal, () => reject(signal.reason as Error));
      this.#waiting.push(resolve);
      if (this.#waiting.length > 1) return;
      setTimeout(() => {
        this.answers++;
        // Every other one first: answers come in an order of their own.
        const waiting = this.#waiting.splice(0);
        for (const first of [1, 0]) waiting.forEach((answer, i) => i % 2 === first && answer());
      }, 2);
    });
  }
}
