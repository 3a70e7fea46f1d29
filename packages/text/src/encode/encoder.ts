import type { Tinypool } from 'tinypool';
import { DataRefError, type ErrorCode } from '@dataref/core';
import { orAbort, threadOptions } from '@dataref/core/adapter';
import type { TextRow } from '../source/text-source.js';
import type { OpenedTokenizer } from '../tokenizer/tokenizer.js';
import { encodeRows, type EncodedRows, type EncodeSettings } from './encode-rows.js';
import type { EncodeAnswer, EncodeTask } from './encode-worker.js';

/** Threads that a slow source leaves idle are kept for so long. */
const IDLE_MS = 10_000;

/** Encodes rows in worker threads, or on the calling thread where the tokenizer is an object that no other thread can make. */
export class Encoder {
  /** Calls that are worth having under way at once. */
  readonly callsAtOnce: number;
  readonly #opened: OpenedTokenizer;
  readonly #settings: EncodeSettings;
  readonly #workers: number;
  #pool: Promise<Tinypool> | undefined;

  /** @param workers threads, at least 1, which start when there is work */
  constructor(opened: OpenedTokenizer, settings: EncodeSettings, workers: number) {
    this.#opened = opened;
    this.#settings = settings;
    this.#workers = workers;
    this.callsAtOnce = opened.recipe === undefined ? 1 : 2 * workers;
  }

  /** An abort ends it at once, though a thread may be at it until `close`. @throws DataRefError as `encodeRows` does; WORKER_DIED where a thread ended */
  async encode(rows: readonly TextRow[], signal: AbortSignal | undefined): Promise<EncodedRows> {
    if (this.#opened.recipe === undefined) {
      await new Promise((resolve) => setImmediate(resolve)); // others have their turn in between
      return encodeRows(this.#opened.tokenizer, rows, this.#settings);
    }
    const pool = await (this.#pool ??= this.#openPool());
    const task: EncodeTask = { rows, settings: this.#settings };
    const answer = await orAbort(pool.run(task) as Promise<EncodeAnswer>, signal).catch((cause: unknown) => {
      signal?.throwIfAborted();
      const { message } = Object(cause) as { readonly message?: unknown };
      throw new DataRefError('WORKER_DIED', `a thread that encodes text ended: ${String(message)}`, { cause });
    });
    if (!('failure' in answer)) return answer;
    const { code, message, details } = answer.failure;
    throw new DataRefError((code as ErrorCode | undefined) ?? 'MAP_FAILED', message, { details });
  }

  /** Ends the threads, and with them what is under way. */
  async close(): Promise<void> {
    await (await this.#pool)?.destroy();
  }

  async #openPool(): Promise<Tinypool> {
    const { Tinypool } = await import('tinypool');
    return new Tinypool({
      filename: new URL('./encode-worker.js', import.meta.url).href,
      minThreads: 0,
      maxThreads: this.#workers,
      idleTimeout: IDLE_MS,
      isolateWorkers: false,
      ...threadOptions(),
      workerData: this.#opened.recipe,
    });
  }
}
