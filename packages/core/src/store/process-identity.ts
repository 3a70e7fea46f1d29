import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Names a process so that others can tell whether it still runs, though its number be used anew. */
export interface ProcessIdentity {
  /** The host's name, and a hash of all that must be equal for process numbers to mean the same. */
  readonly host: string;
  readonly pid: number;
  /** Clock ticks since the host's start, from /proc; null where there is none. */
  readonly startTicks: number | null;
}

let self: ProcessIdentity | undefined;

export function thisProcess(): ProcessIdentity {
  return (self ??= { host: thisHost(), pid: process.pid, startTicks: startTicksOf(process.pid) });
}

/** false: it has ended; true: it runs; undefined: it is on another host, or names none, and only time can tell. */
export function isRunning(identity: unknown): boolean | undefined {
  if (typeof identity !== 'object' || identity === null) return undefined;
  const { host, pid, startTicks } = identity as Partial<ProcessIdentity>;
  if (host !== thisHost() || !Number.isInteger(pid) || (pid as number) <= 0) return undefined;
  try {
    process.kill(pid as number, 0);
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
  return startTicks === null || startTicksOf(pid as number) === startTicks;
}

let known: string | undefined;

/** Hosts may share a name, and the containers of a host have process numbers of their own. */
function thisHost(): string {
  if (known === undefined) {
    const parts = [
      hostname(),
      textOr('', () => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1')),
      textOr('', () => readlinkSync('/proc/self/ns/pid')),
    ];
    const { createHash } = process.getBuiltinModule('node:crypto');
    known = `${hostname().slice(0, 64)}-${createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16)}`;
  }
  return known;
}

function startTicksOf(pid: number): number | null {
  // Field 22 of proc(5) stat; the second field, a name in parentheses, may hold spaces.
  const stat = textOr('', () => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  if (stat === '') return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? -1 : Number(fields[19]);
}

function textOr(otherwise: string, read: () => string): string {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
