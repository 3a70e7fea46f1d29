import { open, rm, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { DataRefError } from '../../errors.js';
import { orAbort } from '../../or-abort.js';
import { writeFully } from '../file-access.js';
import type { ExpectedObject, ObjectReader } from '../object-store.js';
import { isTransient } from '../store-errors.js';
import type { CacheFolder, Place } from './cache-folder.js';
import { download, type Progress } from './download.js';
import type { SharedSource } from './shared-source.js';
import type { Turns } from './turns.js';

/** How often one looks whether another process has finished. */
const POLL_MS = 25;
/** How often a download tells others that it goes on. */
const BEAT_MS = 5_000;
/** How often a download whose bytes are wrong is begun. */
const MAX_TRIES = 2;
/** How often one that nobody waits for goes on after a failure that may pass, after 1, 2 and 4 s. */
const MAX_RESUMES = 3;

/**
 * How a download ended: with a copy of this process or one of another; without, for lack of room; without, because the
 * disk fails.
 */
export type Landing = 'downloaded' | 'copied' | 'refused' | 'broken';

export interface FlightPlan {
  readonly id: string;
  readonly expected: ExpectedObject;
  readonly folder: CacheFolder;
  readonly turns: Turns;
  /** Released in the end. */
  readonly source: SharedSource;
  /** Takes room: more of it may be made where somebody waits. */
  reserve(isAwaited: boolean, signal: AbortSignal): Promise<Place>;
}

/** An object on its way to the disk, whoever brings it; it ends when nobody wants it any more. */
export class Flight {
  readonly landing: Promise<Landing>;
  readonly #plan: FlightPlan;
  readonly #end = new AbortController();
  #wanted = 0;
  #waiting = 0;
  #hasBegun = false;
  #diskFailed = false;

  constructor(plan: FlightPlan) {
    this.#plan = plan;
    this.landing = this.#fly().finally(() => void plan.source.release());
    this.landing.catch(() => undefined); // told to those who wait, if anybody does
  }

  /** Whether its bytes are being read already. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  get isEnded(): boolean {
    return this.#end.signal.aborted;
  }

  /** Somebody wants it, until the returned function is called. */
  want(): () => void {
    this.#wanted++;
    let isWanted = true;
    return () => {
      if (!isWanted) return;
      isWanted = false;
      if (--this.#wanted === 0) this.end();
    };
  }

  /** @throws what made the download fail; the signal's reason, which ends the wait and not the download of others */
  async wait(signal: AbortSignal | undefined): Promise<Landing> {
    const leave = this.want();
    this.#waiting++;
    try {
      return await orAbort(this.landing, signal);
    } finally {
      this.#waiting--;
      leave();
    }
  }

  end(): void {
    this.#end.abort();
  }

  async #fly(): Promise<Landing> {
    const { folder, id, turns } = this.#plan;
    const { signal } = this.#end;
    try {
      for (;;) {
        const endTurn = await turns.take(() => this.#waiting > 0, signal);
        try {
          const place = await this.#onDisk(() => this.#plan.reserve(this.#waiting > 0, signal));
          if (typeof place === 'object') return await this.#fetch(place.path);
          if (place !== 'coming') return place;
        } finally {
          endTurn();
        }
        do await delay(POLL_MS, undefined, { signal });
        while (await this.#onDisk(() => folder.isComing(id)));
      }
    } catch (error) {
      signal.throwIfAborted();
      if (this.#diskFailed) return 'broken';
      throw error;
    }
  }

  async #fetch(path: string): Promise<Landing> {
    const { folder, id, expected, source } = this.#plan;
    this.#hasBegun = true;
    let handle: FileHandle | undefined;
    let beat: NodeJS.Timeout | undefined;
    try {
      handle = await this.#onDisk(() => open(path, 'r+'));
      const file = handle;
      beat = setInterval(() => void file.utimes(new Date(), new Date()).catch(() => undefined), BEAT_MS).unref();
      await this.#download(await orAbort(source.reader(), this.#end.signal), file);
      clearInterval(beat);
      return await this.#onDisk(async () => {
        await markFinished(file);
        return (await folder.publish(path, id, expected.byteLength)) ? 'downloaded' : 'refused';
      });
    } finally {
      clearInterval(beat);
      await handle?.close().catch(() => undefined);
      await rm(path, { force: true }).catch(() => undefined);
    }
  }

  /** @throws DataRefError CORRUPT when the bytes are wrong every time */
  async #download(source: ObjectReader, file: FileHandle): Promise<void> {
    const { key, byteLength, crc32 } = this.#plan.expected;
    const write = (bytes: Uint8Array, position: number): Promise<void> =>
      this.#onDisk(() => writeFully(file, bytes, position, key));
    for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
      const progress: Progress = { position: 0, crc32: 0 };
      for (let failures = 0; progress.position < byteLength; failures++) {
        try {
          await download(source, byteLength, progress, write, this.#end.signal);
        } catch (error) {
          if (!isTransient(error) || this.#diskFailed || this.#waiting > 0 || failures === MAX_RESUMES) throw error;
          await delay(1000 * 2 ** failures, undefined, { signal: this.#end.signal });
        }
      }
      if (progress.crc32 === crc32) return;
    }
    throw new DataRefError(
      'CORRUPT',
      `${key}: its bytes do not have the checksum that they should, ${MAX_TRIES} times in a row; the object is damaged. Run verify`,
      { details: { key, crc32 } },
    );
  }

  async #onDisk<T>(action: () => T | Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      this.#diskFailed = true;
      throw error;
    }
  }
}

/** Whole seconds stay the same when the time of access is set later on. */
function markFinished(file: FileHandle): Promise<void> {
  return file.utimes(new Date(), Math.floor(Date.now() / 1000));
}
