import { setTimeout as delay } from 'node:timers/promises';
import { orAbort } from '../../or-abort.js';
import type { ExpectedObject } from '../object-store.js';
import type { Claim } from './eviction.js';
import { Flight, type Landing } from './flight.js';
import type { LocalCopies } from './local-copies.js';
import { identityOf, isCopy, markUsed, openCopy, type OpenCopy } from './open-copy.js';
import { SharedSource } from './shared-source.js';

/** How often use is written to the disk, for those who share it. */
const MARK_MS = 10_000;
/** How often a reader tries to get a copy that is lost as soon as it is there. */
const MAX_ATTEMPTS = 3;
/** Waits before the next attempt for a copy that could not be had: the first one, doubled each time, and the longest. */
const FIRST_WAIT_MS: Readonly<Record<'refused' | 'broken' | 'failed', number>> = {
  refused: 20,
  broken: 1000,
  failed: 1000,
};
const LONGEST_WAIT_MS = 60_000;
/** How often a reader that waits for room looks whether there is some. */
const ROOM_MS = 5;
/** Of a copy that was read as a whole, this share at most was not: what a file has beside records. */
const UNREAD_SHARE = 1 / 8;

/** A copy that is being brought for nobody in particular. */
export interface ComingObject {
  /** It is not wanted any more. */
  readonly leave: () => void;
  /** True when it is there, false when it could not be had. */
  readonly ended: Promise<boolean>;
}

/** One object as this process knows it: its copy while it is read, its way to the disk, and how much it is used. */
export class CachedObject {
  readonly id: string;
  readonly expected: ExpectedObject;
  /** When this process used its copy last, in ms since 1970. */
  usedMs = 0;
  readonly #copies: LocalCopies;
  readonly #path: string;
  #readers = 0;
  #reads = 0;
  /** Bytes that a copy of this process's making has yet to give before it has paid for its download. */
  #owedBytes = 0;
  /** Bytes that were read without a copy since there was one: the next copy does not give them any more. */
  #passedBytes = 0;
  /** Its place among all that is needed when reads began that are under way: forecasts go on while they wait. */
  #rank = Infinity;
  #copy: OpenCopy | undefined;
  #opening: Promise<void> | undefined;
  #flight: Flight | undefined;
  #landed: Promise<void> | undefined;
  #leaveFlight: (() => void) | undefined;
  #markedMs = 0;
  #setbacks = 0;
  /** The last setback was of the disk's making, not of the source's. */
  #isRefused = false;
  #retryMs = 0;

  constructor(copies: LocalCopies, id: string, expected: ExpectedObject) {
    this.#copies = copies;
    this.id = id;
    this.expected = expected;
    this.#path = copies.folder.copyPath(id, expected.byteLength);
  }

  /** A reader begins. */
  hold(): void {
    this.#readers++;
  }

  async release(): Promise<void> {
    if (--this.#readers > 0) return;
    // What has begun is brought to its end, since it will be of use the next time.
    if (this.#flight?.hasBegun === false) this.#leaveFlight?.();
    await this.close();
  }

  /** The copy, where it is open here and now. */
  get copy(): OpenCopy | undefined {
    return this.#copy;
  }

  get isOnItsWay(): boolean {
    return this.#flight !== undefined;
  }

  /** Whether it is being read without a copy. */
  get lacksCopy(): boolean {
    return this.#readers > 0 && this.#copy === undefined && this.#opening === undefined;
  }

  /** Whether reads are under way that its copy serves, or will serve when it is there. */
  get isRead(): boolean {
    return this.#reads > 0 && (this.#copy !== undefined || this.#flight?.hasBegun === true);
  }

  /** A read begins. @returns what ends it */
  beginRead(): () => void {
    this.#reads++;
    return () => {
      if (--this.#reads === 0) this.#rank = Infinity;
    };
  }

  /** Whether an attempt for a copy makes sense now, as far as the last ones tell. */
  get mayTry(): boolean {
    return performance.now() >= this.#retryMs;
  }

  /** Whether its copy has to stay: it is read, or has not paid for its download. */
  get isOwing(): boolean {
    return this.isRead || this.#owedBytes > this.expected.byteLength * UNREAD_SHARE;
  }

  /** The copy goes. */
  letGo(): void {
    this.#owedBytes = 0;
    void this.close();
  }

  /** Bytes were read from the source. */
  countPassed(byteLength: number): void {
    this.#passedBytes += byteLength;
  }

  /** Bytes were read from the copy. */
  countUse(byteLength: number): void {
    this.#owedBytes -= byteLength;
    const now = Date.now();
    this.usedMs = now;
    if (now - this.#markedMs < MARK_MS) return;
    this.#markedMs = now;
    markUsed(this.#path);
  }

  /** Opens the copy where there is one, and looks whether it is right. */
  async open(): Promise<OpenCopy | undefined> {
    if (this.#copy !== undefined) return this.#copy;
    this.#opening ??= this.#tryOpen().finally(() => {
      this.#opening = undefined;
    });
    await this.#opening;
    return this.#copy;
  }

  /**
   * The copy, brought from `source` if need be; undefined where it cannot be had, for want of room or of a disk.
   * @throws what reading the source throws; CORRUPT; the signal's reason
   */
  async bring(source: SharedSource, signal: AbortSignal | undefined): Promise<OpenCopy | undefined> {
    this.#rank = Math.min(this.#rank, this.#copies.rankOf(this));
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const copy = await orAbort(this.open(), signal);
      if (copy !== undefined) return copy;
      if (this.#isRefused && !this.mayTry && this.#flight === undefined) return undefined;
      const isJoined = this.#flight !== undefined; // one that was perhaps refused for want of a better claim
      const landing = await this.#fly(source, (rank) => ({ rank, displacesNamed: false })).wait(signal);
      if (landing === 'broken') return undefined;
      if (landing !== 'refused' || isJoined) continue;
      if (!this.#copies.makesRoomFor(this)) return undefined;
      await delay(ROOM_MS, undefined, { signal });
      attempt--;
    }
    return undefined;
  }

  /** Brings the copy in the background, for as long as somebody reads the object or once it has begun. */
  bringLater(source: SharedSource): void {
    if (this.#flight !== undefined || this.#opening !== undefined || !this.mayTry) return;
    const flight = this.#fly(source, (rank) => ({ rank, displacesNamed: false }));
    this.#leaveFlight = flight.want();
  }

  /** Brings the copy because a forecast names it. */
  bringAhead(claim: (rank: number) => Claim | undefined): ComingObject {
    const source = new SharedSource(() => this.#copies.openSource(this.expected));
    const flight = this.#fly(source, claim, true);
    void source.release();
    const leave = flight.want();
    const ended = flight.landing.then(
      (landing) => landing === 'downloaded' || landing === 'copied',
      () => false,
    );
    return { leave, ended };
  }

  /** Resolves when nothing is on its way any more. */
  async settled(): Promise<void> {
    await this.#landed;
  }

  /** Ends what is on its way. */
  abandon(): void {
    this.#flight?.end();
  }

  /** Lets go of the copy: its readers read from the source. */
  async close(): Promise<void> {
    const copy = this.#copy;
    this.#copy = undefined;
    await copy?.reader.close().catch(() => undefined);
  }

  /** Lets go of a copy that is no longer what it was: removed by somebody, replaced, or written to. */
  checkStill(): void {
    if (this.#copy !== undefined && identityOf(this.#path) !== this.#copy.identity) void this.close();
  }

  /** Reads the copy anew; true when it was wrong or is gone. */
  async recheck(): Promise<boolean> {
    const copy = this.#copy;
    if (copy === undefined) return true;
    if (await isCopy(copy.reader, this.expected).catch(() => false)) return false;
    await this.drop();
    return true;
  }

  /** Removes a copy that is wrong. */
  async drop(): Promise<void> {
    await this.close();
    await this.#copies.remove(this.#path);
  }

  async #tryOpen(): Promise<void> {
    const copy = await openCopy(this.#path, this.expected, this.#copies.verified);
    if (copy === undefined) return;
    if (this.#readers === 0 || this.#copies.isClosed) await copy.reader.close();
    else this.#copy = copy;
  }

  #fly(source: SharedSource, claim: (rank: number) => Claim | undefined, isAhead = false): Flight {
    if (this.#flight !== undefined && !this.#flight.isEnded) return this.#flight;
    source.hold();
    const { folder, turns } = this.#copies;
    const { id, expected } = this;
    const flight = new Flight({
      id,
      expected,
      folder,
      turns,
      source,
      reserve: (isAwaited, signal) =>
        this.#copies.reserve(this, isAwaited ? (rank) => this.#claimOf(rank) : claim, signal),
    });
    this.#flight = flight;
    this.#landed = flight.landing
      .then(
        (landing) => {
          const isNoSetback = landing === 'refused' && (isAhead || this.#copies.makesRoomFor(this));
          return this.#land(isNoSetback ? undefined : landing);
        },
        () => this.#land(flight.isEnded ? undefined : 'failed'),
      )
      .finally(() => {
        if (this.#flight === flight) this.#flight = undefined;
      });
    return flight;
  }

  #claimOf(rank: number): Claim {
    return { rank: Math.min(rank, this.#rank), displacesNamed: true };
  }

  async #land(landing: Landing | 'failed' | undefined): Promise<void> {
    if (landing === undefined) return;
    if (landing === 'downloaded' || landing === 'copied') {
      this.#setbacks = 0;
      this.#retryMs = 0;
      if (landing === 'downloaded') {
        this.#owedBytes = this.expected.byteLength - this.#passedBytes;
        this.#passedBytes = 0;
        this.usedMs = Date.now();
        const identity = identityOf(this.#path);
        if (identity !== undefined) this.#copies.verified.set(this.#path, identity);
      }
      if (this.#readers > 0) await this.open();
      return;
    }
    this.#isRefused = landing !== 'failed';
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS[landing] * 2 ** this.#setbacks++);
    this.#retryMs = performance.now() + wait;
  }
}
