import { readdirSync, readFileSync } from 'node:fs';

/** An environment variable that names a test's processes: mpirun, ssh and sshd pass it on. */
export const MARK = 'DATAREF_TEST_JOB';

export interface MarkedProcess {
  readonly id: number;
  readonly command: readonly string[];
}

/** The processes that have the mark in the environment that they were started with. */
export function processesOf(mark: string): MarkedProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .flatMap((id) => {
      try {
        if (!readFileSync(`/proc/${id}/environ`, 'utf8').split('\0').includes(`${MARK}=${mark}`)) return [];
        const command = readFileSync(`/proc/${id}/cmdline`, 'utf8').split('\0').slice(0, -1);
        return command.length === 0 ? [] : [{ id: Number(id), command }];
      } catch {
        return []; // it has ended
      }
    });
}

/** Resolves once there are none, which takes seconds. Those that stay are ended, and told. */
export async function untilGone(mark: string): Promise<void> {
  const start = performance.now();
  for (let left = processesOf(mark); left.length > 0; left = processesOf(mark)) {
    if (performance.now() - start > 20_000) {
      for (const { id } of left) {
        try {
          process.kill(id, 'SIGKILL');
        } catch {
          // It has ended meanwhile.
        }
      }
      throw new Error(`left behind: ${left.map(({ id, command }) => `${id} ${command.join(' ')}`).join('; ')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
