/** How far long work has come. */
export interface Progress {
  readonly phase: string;
  readonly done: number;
  readonly total: number | undefined;
  readonly unit: 'records' | 'bytes' | 'parts' | 'datasets';
  readonly elapsedMs: number;
  /** In phase `wait`: whose work it is that is waited for, as far as is known. */
  readonly waitingFor?: WaitedFor | undefined;
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
 * Silent where stderr is no terminal.
 */
export function progressBar(label = ''): (progress: Progress) => void {
  const terminal = (globalThis as { process?: { stderr?: Terminal } }).process?.stderr;
  let shownMs = -Infinity;
  return (progress) => {
    const { phase, done, total, unit, elapsedMs, waitingFor } = progress;
    const isEnd = total !== undefined && done >= total;
    if (terminal?.isTTY !== true || (!isEnd && elapsedMs - shownMs < 100)) return;
    shownMs = elapsedMs;
    const rate = elapsedMs > 0 ? (done / elapsedMs) * 1000 : 0;
    const count = total === undefined ? shown(done) : `${shown(done)}/${shown(total)}`;
    const left = total === undefined || rate === 0 ? '' : ` · ${Math.ceil((total - done) / rate)} s left`;
    const bar =
      total === undefined || total === 0 ? '' : `${'█'.repeat(Math.round((done / total) * 20)).padEnd(20, '░')} `;
    const work = `${phase} ${bar}${count} ${unit} · ${shown(rate)} ${unit}/s${left}`;
    const { pid = '?', host = 'another host' } = waitingFor ?? {};
    const wait = `${phase} for process ${pid} on ${host} · ${Math.round(elapsedMs / 1000)} s`;
    const line = `${label === '' ? '' : `${label}: `}${waitingFor === undefined ? work : wait}`;
    terminal.write(`\r\u001b[2K${line.slice(0, (terminal.columns ?? 100) - 1)}${isEnd ? '\n' : ''}`);
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
