import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Names a process so that others can tell whether it still runs, though its number be used anew. */
export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** Clock ticks since the host's start, from /proc; null where there is none. */
  readonly startTicks: number | null;
}

export function thisProcess(): ProcessIdentity {
  return { host: hostname(), pid: process.pid, startTicks: startTicksOf(process.pid) };
}

/** false: it has ended; true: it runs; undefined: it is on another host, and only time can tell. */
export function isRunning(identity: ProcessIdentity): boolean | undefined {
  if (identity.host !== hostname()) return undefined;
  try {
    process.kill(identity.pid, 0);
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
  return identity.startTicks === null || startTicksOf(identity.pid) === identity.startTicks;
}

function startTicksOf(pid: number): number | null {
  try {
    // Field 22 of proc(5) stat; the second field, a name in parentheses, may hold spaces.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? -1 : Number(fields[19]);
  } catch {
    return null;
  }
}
