import { close, closeSync, constants, fstat, fstatSync, open, openSync, type Stats } from 'node:fs';
import { promisify } from 'node:util';
import { generationGone } from './store-errors.js';

/** At once in this thread, however many files are being read. */
const MAX_OPEN_FILES = 512;
/** A link at the last step is refused, so that a stored dataset cannot point elsewhere. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

const openLater = promisify(open);
const statLater = promisify(fstat);

/** Files that are open and not in use, used longest ago first. */
const idle = new Set<OpenFile>();
const waiting: (() => void)[] = [];
let openFiles = 0;

/** A file for reading: open while it is in use, and after that as long as there is room. Opened again it is the same one, or it fails. */
export class OpenFile {
  readonly #path: string;
  readonly #key: string;
  /** Whether it lies on a disk, for which the thread may wait. */
  readonly #isNear: boolean;
  #fd: number | undefined;
  #opening: Promise<void> | undefined;
  #stat: Stats | undefined;
  #uses = 0;
  #isClosed = false;

  constructor(path: string, key: string, isNear: boolean) {
    this.#path = path;
    this.#key = key;
    this.#isNear = isNear;
  }

  /** What the file was when it was opened first. @throws what opening throws */
  async stat(): Promise<Stats> {
    return this.use(async () => this.#stat as Stats);
  }

  /** What `read` gives, while which the file is open. @throws DataRefError GENERATION_GONE where it is another one now */
  async use<T>(read: (fd: number) => Promise<T>): Promise<T> {
    this.#begin();
    try {
      if (this.#fd === undefined) await (this.#opening ??= this.#open().finally(() => (this.#opening = undefined)));
      return await read(this.#fd as unknown as number);
    } finally {
      this.#end();
    }
  }

  /** As `use`, at once, for a file that lies on a disk. */
  useNow<T>(read: (fd: number) => T): T {
    this.#begin();
    try {
      if (this.#fd === undefined) this.#openNow();
      return read(this.#fd as unknown as number);
    } finally {
      this.#end();
    }
  }

  /** Closes the file, once nobody uses it any more. */
  close(): void {
    this.#isClosed = true;
    if (this.#uses === 0) this.shut();
  }

  /** Lets go of a file that is not in use: whoever uses it next opens it. */
  shut(): void {
    idle.delete(this);
    if (this.#fd === undefined) return;
    const fd = this.#fd;
    this.#fd = undefined;
    if (this.#isNear) {
      closeSync(fd);
      freeOne();
    } else close(fd, freeOne);
  }

  #begin(): void {
    if (this.#isClosed) throw Object.assign(new Error('the file is closed'), { code: 'EBADF', syscall: 'read' });
    this.#uses++;
    idle.delete(this);
  }

  #end(): void {
    if (--this.#uses > 0) return;
    if (this.#isClosed || openFiles > MAX_OPEN_FILES) this.shut();
    else if (this.#fd !== undefined) idle.add(this);
    waiting.shift()?.();
  }

  async #open(): Promise<void> {
    for (;;) {
      while (!makeRoom()) await turn();
      openFiles++;
      let fd: number;
      try {
        fd = await openLater(this.#path, FLAGS);
      } catch (error) {
        freeOne();
        if (!isFull(error) || openFiles === 0) throw this.#reopened(error);
        if (!shutOldest()) await turn();
        continue;
      }
      this.#take(fd, this.#isNear ? fstatSync(fd) : await statLater(fd));
      return;
    }
  }

  #openNow(): void {
    makeRoom(); // where all others are in use, there is one more for as long as this takes
    for (;;) {
      let fd: number;
      try {
        fd = openSync(this.#path, FLAGS);
      } catch (error) {
        if (!isFull(error) || !shutOldest()) throw this.#reopened(error);
        continue;
      }
      openFiles++;
      this.#take(fd, fstatSync(fd));
      return;
    }
  }

  #take(fd: number, stat: Stats): void {
    if (this.#fd !== undefined) {
      // Opened at once by somebody else, while this one was on its way.
      closeSync(fd);
      freeOne();
      return;
    }
    this.#fd = fd;
    const { ino, dev, size } = (this.#stat ??= stat);
    if (stat.ino === ino && stat.dev === dev && stat.size === size) return;
    this.shut();
    throw generationGone(this.#key);
  }

  #reopened(error: unknown): unknown {
    const isGone = this.#stat !== undefined && (error as { code?: string }).code === 'ENOENT';
    return isGone ? generationGone(this.#key) : error;
  }
}

/** Whether one more may be opened, another that is not in use being shut for it. */
function makeRoom(): boolean {
  if (openFiles >= MAX_OPEN_FILES) shutOldest();
  return openFiles < MAX_OPEN_FILES;
}

function turn(): Promise<void> {
  return new Promise((resolve) => waiting.push(resolve));
}

function shutOldest(): boolean {
  const [oldest] = idle;
  oldest?.shut();
  return oldest !== undefined;
}

function freeOne(): void {
  openFiles--;
  waiting.shift()?.();
}

/** The process, or the system, has no room for another one. */
function isFull(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === 'EMFILE' || code === 'ENFILE';
}
