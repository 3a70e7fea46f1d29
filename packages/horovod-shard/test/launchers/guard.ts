import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('guard.mjs', import.meta.url));
const NAME = 'DATAREF_TEST_GUARD';

/** A process that outlives this one, however it dies, and ends what it has started: launchers and daemons leave their group. */
export class Guard {
  /** For the environment of all that is started. */
  readonly env: Readonly<Record<string, string>>;
  readonly #stdin: Socket;

  constructor() {
    const id = randomUUID();
    this.env = { [NAME]: id };
    const guard = spawn(process.execPath, [PROGRAM, `${NAME}=${id}`], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#stdin = guard.stdin as Socket;
    guard.unref();
    this.#stdin.unref();
  }

  /** Has a folder taken away then too. */
  takeAway(folder: string): void {
    this.#stdin.write(`${folder}\n`);
  }
}
