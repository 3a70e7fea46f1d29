import type { DataBatch } from './batch.js';
import type { Item } from './pass.js';
import type { PrefetchLimits } from './prefetch.js';
import type { RecordMapper } from './record-mapper.js';
import { WorkQueue } from './work-queue.js';

/** Batches under way at once where workers map them, however large they are. */
const LEAST_BATCHES = 2;

/**
 * Batches whose records are mapped, given in order. As many are under way as keep the workers busy, within what prefetch
 * may hold.
 */
export class BatchQueue<I> {
  readonly #mapper: RecordMapper;
  readonly #queue: WorkQueue<I, Item<DataBatch>>;
  /** Bytes that batches under way may take. */
  #room: number;
  /** Records of the largest batch so far. */
  #rows = 1;
  /** Bytes of the largest batch so far, once there is one. */
  #bytes: number | undefined;

  /**
   * @param prefetch what holds the batches that are given
   * @param rowsOf records of a batch
   */
  constructor(
    mapper: RecordMapper,
    prefetch: PrefetchLimits | undefined,
    pull: () => Promise<I | undefined>,
    rowsOf: (input: I) => number,
    work: (input: I) => Promise<Item<DataBatch>>,
  ) {
    this.#mapper = mapper;
    this.#room = prefetch?.byteLimit ?? Infinity;
    const pullOne = async (): Promise<I | undefined> => {
      const input = await pull();
      if (input !== undefined) this.#rows = Math.max(this.#rows, rowsOf(input));
      return input;
    };
    this.#queue = new WorkQueue(
      () => this.#depth,
      1,
      pullOne,
      ([input]: readonly I[]) => work(input as I),
    );
  }

  async next(): Promise<Item<DataBatch> | undefined> {
    const item = await this.#queue.next();
    if (item === undefined) return undefined;
    this.#room -= item.byteLength;
    this.#bytes = Math.max(this.#bytes ?? 0, item.byteLength);
    return item;
  }

  /** Tells how much there is room for, beside what was given and is held. */
  allow({ byteLimit }: PrefetchLimits): void {
    this.#room = byteLimit;
  }

  /** Waits for what is under way, and gives the threads back. */
  async close(): Promise<void> {
    await this.#queue.settle();
    await this.#mapper.close();
  }

  get #depth(): number {
    const { recordsAtOnce } = this.#mapper;
    if (recordsAtOnce === 0) return 1;
    // How large a batch is, the first one tells.
    const roomFor = this.#room === Infinity ? Infinity : this.#bytes === undefined ? 0 : this.#room / this.#bytes;
    return Math.max(LEAST_BATCHES, Math.floor(Math.min(recordsAtOnce / this.#rows, roomFor)));
  }
}
