import type { World } from './deal.js';
import type { Cursor, PlanNode, Segment, Start } from './plan-node.js';
import type { PrefetchLimits } from './prefetch.js';
import { AUTOMATIC_BATCHES, ReadAhead, type BegunRead } from './read-ahead.js';
import type { Picked } from './recipe.js';
import { RecordReader, type Share } from './record-reader.js';
import type { SourceNode } from './source-node.js';
import type { Origin } from './stage.js';

/** Records read at a time, at most, and about how many bytes of them. */
const CHUNK = 256;
const CHUNK_BYTES = 8 * 2 ** 20;

interface BegunChunk extends BegunRead {
  readonly share: Share;
  readonly read: Promise<unknown[]>;
}

export interface ChunkOptions {
  /** Who shares the records; of a world of one, all of them are read. */
  readonly world: World;
  readonly signal: AbortSignal;
  /** Bytes read ahead where rows are far away; undefined where `extend` is called from outside. */
  readonly byteLimit: number | undefined;
  readonly picked?: Picked | undefined;
}

/** The records of a plan one by one, read in chunks: small ones first, so that the first record comes soon. */
export class RecordChunks {
  /** Follows record by record, and tells the place. */
  readonly cursor: Cursor<Segment>;
  readonly #planned: Cursor<Segment>;
  readonly #source: SourceNode;
  readonly #options: ChunkOptions;
  readonly #reader: RecordReader;
  readonly #ahead: ReadAhead<BegunChunk>;
  #release: (() => Promise<void>) | undefined;
  #first: Segment | undefined;
  #share: Share | undefined;
  #records: readonly unknown[] = [];
  #row = 0;
  #size = 1;

  constructor(source: SourceNode, plan: PlanNode<Segment>, start: Start, options: ChunkOptions) {
    this.cursor = plan.open(start);
    this.#planned = plan.open(start);
    this.#source = source;
    this.#options = options;
    this.#reader = new RecordReader(source, options.world);
    this.#ahead = new ReadAhead(source.rows, () => this.#begin());
  }

  /** Goes to the next record, which `value` and `origin` then tell. @returns its epoch; undefined at the end */
  async next(): Promise<number | undefined> {
    this.#row++;
    if (this.#row >= this.#records.length) {
      const begun = this.#ahead.take();
      if (begun === undefined) return undefined;
      this.#readFurther();
      this.#records = await begun.read;
      this.#readFurther();
      this.#share = begun.share;
      this.#row = 0;
    }
    return (this.cursor.pull(this.#options.world.shards).at(-1) as Segment).epoch;
  }

  get value(): unknown {
    return this.#records[this.#row];
  }

  get origin(): Origin {
    return this.#reader.originOf(this.#share as Share, this.#row);
  }

  extend(limits: PrefetchLimits): void {
    this.#ahead.extend(limits);
  }

  /** Waits until nothing is under way any more; what was begun has been aborted. */
  async close(): Promise<void> {
    await this.#ahead.close();
    const release = this.#release;
    this.#release = undefined;
    await release?.();
  }

  #begin(): BegunChunk | undefined {
    const segments = this.#planned.pull(this.#size * this.#options.world.shards);
    const share = this.#reader.share(segments);
    const rows = share.indices.length;
    if (rows === 0) return undefined;
    this.#first = segments[0] as Segment;
    this.#release ??= this.#source.hold(() => this.#first as Segment);
    const { signal, picked } = this.#options;
    const read = this.#reader.readRecords(share, signal, picked);
    const fitting = Math.max(1, Math.floor(CHUNK_BYTES / this.#reader.recordBytes));
    this.#size = Math.min(CHUNK, fitting, this.#size * 4);
    return { elements: rows, rows, share, read };
  }

  #readFurther(): void {
    const { byteLimit } = this.#options;
    if (byteLimit !== undefined) this.#ahead.extend({ batches: CHUNK * AUTOMATIC_BATCHES, byteLimit });
  }
}
