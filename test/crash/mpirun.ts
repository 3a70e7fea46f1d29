import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** Launchers by the Debian package that has them. */
export const LAUNCHERS = {
  'openmpi-bin': ['mpirun.openmpi', '--allow-run-as-root', '--oversubscribe'],
  mpich: ['mpirun.mpich'],
} as const;
export type Launcher = keyof typeof LAUNCHERS;

/** The command that starts so many ranks of a program. @throws Error naming the package where it is missing */
export function mpirun(launcher: Launcher, ranks: number, args: readonly string[]): [string, string[]] {
  const [command, ...options] = LAUNCHERS[launcher];
  if (!(process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, command))))
    throw new Error(`${command} is missing: apt-get install -y --no-install-recommends ${launcher}`);
  return [command, [...options, '-np', String(ranks), process.execPath, ...args]];
}

/** Done when a process that is no child of ours has ended. @throws Error where it still runs after a minute */
export async function ended(pid: number): Promise<void> {
  for (const deadline = performance.now() + 60_000; isRunning(pid); await pause(50))
    if (performance.now() > deadline) throw new Error(`process ${pid} still runs, a minute after its job was ended`);
}

/** Without those that have ended, and that nobody has asked for yet. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /u.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}
