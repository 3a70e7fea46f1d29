import { describeValue } from './arguments.js';
import { invalidArgument } from './errors.js';

/** How far long work has come. The last call has `done` = `total`, or `isStopped`. */
export interface Progress {
  readonly phase: string;
  readonly done: number;
  /** Undefined as long as it is not known; the last call of work that succeeded has it. */
  readonly total: number | undefined;
  readonly unit: 'records' | 'bytes' | 'parts' | 'datasets' | 'steps';
  readonly elapsedMs: number;
  /** In phase `wait`: whose work it is that is waited for, as far as is known. */
  readonly waitingFor?: WaitedFor | undefined;
  /** The work ended before it was done, by a failure or an abort: this is its last call. */
  readonly isStopped?: boolean | undefined;
}

export interface WaitedFor {
  readonly host: string | undefined;
  readonly pid: number | undefined;
}

interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/**
 * A bar on stderr for any `onProgress`: `storage.submit(data, id, version, { onProgress: progressBar() })`.
 * Silent where stderr is no terminal. Its line ends with the work, also where that fails.
 * @throws DataRefError INVALID_ARGUMENT for a label that is no text
 */
export function progressBar(label = ''): (progress: Progress) => void {
  if (typeof label !== 'string')
    throw invalidArgument(
      `progressBar: the label must be a string, got ${describeValue(label)}; it gives the listener: onProgress: progressBar('label')`,
    );
  const terminal = (globalThis as { process?: { stderr?: Terminal } }).process?.stderr;
  let shownMs = -Infinity;
  return (progress) => {
    const { phase, done, total, unit, elapsedMs, waitingFor, isStopped = false } = progress;
    const isEnd = isStopped || (total !== undefined && done >= total);
    if (terminal?.isTTY !== true || (!isEnd && elapsedMs - shownMs < 100)) return;
    shownMs = isEnd ? -Infinity : elapsedMs; // it may be given to other work next
    const rate = elapsedMs > 0 ? (done / elapsedMs) * 1000 : 0;
    const count = total === undefined ? shown(done) : `${shown(done)}/${shown(total)}`;
    const seconds = total === undefined || rate === 0 ? '' : ` · ${Math.ceil((total - done) / rate)} s left`;
    const left = isStopped ? ' · stopped' : seconds;
    const bar =
      total === undefined || total === 0 ? '' : `${'█'.repeat(Math.round((done / total) * 20)).padEnd(20, '░')} `;
    const work = `${phase} ${bar}${count} ${unit} · ${shown(rate)} ${unit}/s${left}`;
    const { pid = '?', host = 'another host' } = waitingFor ?? {};
    const wait = `${phase} for process ${pid} on ${host} · ${Math.round(elapsedMs / 1000)} s${isStopped ? ' · stopped' : ''}`;
    const line = `${label === '' ? '' : `${label}: `}${waitingFor === undefined ? work : wait}`;
    const { columns = 0 } = terminal; // 0 where a terminal does not know
    terminal.write(`\r\u001b[2K${line.slice(0, (columns > 0 ? columns : 100) - 1)}${isEnd ? '\n' : ''}`);
  };
}

function shown(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** Tells `onProgress` how much is done, and since when. */
export function reporter(
  onProgress: ((progress: Progress) => void) | undefined,
  phase: string,
  total: number | undefined,
  unit: Progress['unit'],
) {
  const startMs = performance.now();
  return (done: number): void => onProgress?.({ phase, done, total, unit, elapsedMs: performance.now() - startMs });
}

/**
 * Runs long work, and tells `onProgress` of its end where no call before has: of all that was done, or that it stopped.
 */
export async function withLastReport<T>(
  onProgress: ((progress: Progress) => void) | undefined,
  run: (onProgress: ((progress: Progress) => void) | undefined) => Promise<T>,
): Promise<T> {
  if (onProgress === undefined) return run(undefined);
  let last: Progress | undefined;
  let lastMs = 0;
  let isListening = true;
  const tell = (progress: Progress): void => {
    if (!isListening) return;
    [last, lastMs] = [progress, performance.now()];
    isListening = false; // one that throws is not called again
    onProgress(progress);
    isListening = true;
  };
  const tellEnd = (isStopped: boolean): void => {
    if (last === undefined || !isListening || (last.total !== undefined && last.done >= last.total)) return;
    const elapsedMs = last.elapsedMs + performance.now() - lastMs;
    const done = isStopped ? last.done : (last.total ?? last.done);
    tell({ ...last, elapsedMs, done, ...(isStopped ? { isStopped } : { total: done }) });
  };
  let result: T;
  try {
    result = await run(tell);
  } catch (error) {
    try {
      tellEnd(true);
    } catch {
      // The failure that ended the work is the one to report.
    }
    throw error;
  }
  tellEnd(false);
  return result;
}
