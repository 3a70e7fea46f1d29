/**
 * Signals this process and the programs that it has started.
 * @param isOfShell whether its process group is that of the shell that sshd has started for it alone; otherwise it is its own, as
 *   under mpirun, or none is signalled
 */
export function signalGroup(signal: NodeJS.Signals, isOfShell: boolean): void {
  try {
    process.kill(isOfShell ? 0 : -process.pid, signal);
  } catch {
    process.kill(process.pid, signal);
  }
}
