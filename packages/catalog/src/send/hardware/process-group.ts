/** Signals this process and the programs that it has started: its process group, where it has one of its own, as under sshd and mpirun. */
export function signalGroup(signal: NodeJS.Signals): void {
  try {
    process.kill(-process.pid, signal);
  } catch {
    process.kill(process.pid, signal);
  }
}
