import { inNextTurn } from '../next-turn.js';
import { joinedRead, type AskedRange } from './joined-read.js';
import type { ByteRange, IoOptions, ObjectReader } from './object-store.js';
import { planRanges, type RangePlanLimits } from './range-plan.js';
import { RangeCall } from './range-call.js';
import type { Slots } from './slots.js';
import { truncated } from './store-errors.js';

/** A reader that gathers what is asked of it in one turn of the event loop. */
export class CoalescingReader implements ObjectReader {
  readonly byteLength: number;
  readonly #reader: ObjectReader;
  readonly #key: string;
  readonly #limits: RangePlanLimits;
  readonly #slot: Slots;
  #asked: AskedRange[] = [];

  constructor(reader: ObjectReader, key: string, limits: RangePlanLimits, slot: Slots) {
    this.byteLength = reader.byteLength;
    this.#reader = reader;
    this.#key = key;
    this.#limits = limits;
    this.#slot = slot;
  }

  read(into: Uint8Array, position: number, options?: IoOptions): Promise<void> {
    return this.readRanges([{ into, position }], options);
  }

  async readRanges(ranges: readonly ByteRange[], { signal }: IoOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    for (const { into, position } of ranges) {
      const end = position + into.length;
      // Told at once, so that it fails for nobody else.
      if (end > this.byteLength) throw truncated(this.#key, end, this.byteLength);
    }
    if (ranges.every(({ into }) => into.length === 0)) return;
    const call = new RangeCall(signal);
    // No microtask would do: callers go on in the same turn, each after its own input.
    if (this.#asked.length === 0) inNextTurn(() => this.#readAsked());
    for (const { into, position } of ranges)
      this.#asked.push({ start: position, end: position + into.length, into, call });
    await call.done;
  }

  get readSync(): ObjectReader['readSync'] {
    const reader = this.#reader;
    return reader.readSync && ((into, position) => reader.readSync?.(into, position));
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  #readAsked(): void {
    const asked = this.#asked.filter(({ call }) => !call.isOver);
    this.#asked = [];
    for (const { start, end, serves } of planRanges(asked, this.#limits)) {
      const served = serves.map((place) => asked[place] as AskedRange);
      void this.#slot(joinedRead(this.#reader, { start, end }, served));
    }
  }
}
