import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/**
 * The environment of measured programs: OpenBLAS is left to choose by itself, and Node reads no certificates but its own,
 * which takes Node 20 90 ms at each start, whether a program uses them or not.
 */
function environment() {
  const {
    OPENBLAS_CORETYPE: _type,
    OPENBLAS_L2_SIZE: _size,
    NODE_EXTRA_CA_CERTS: _certificates,
    ...rest
  } = process.env;
  return { ...rest, PYTHONUNBUFFERED: '1' };
}

/** A program that answers each line with a line of JSON. */
export class Child {
  #process;
  #lines;
  #errors = '';

  constructor(command, args) {
    this.#process = spawn(command, args, { env: environment(), stdio: ['pipe', 'pipe', 'pipe'] });
    this.#process.stderr.on('data', (text) => (this.#errors += text));
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** @throws Error with what the program wrote to standard error, where it ended instead of answering */
  async answer() {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`${this.#process.spawnargs.join(' ')} ended: ${this.#errors.trim().slice(-2000)}`);
      if (value.startsWith('{')) return JSON.parse(value);
    }
  }

  ask(line) {
    this.#process.stdin.write(`${line}\n`);
    return this.answer();
  }

  /** Ends the program's input, for its last answer. */
  end() {
    this.#process.stdin.end();
    return this.answer();
  }

  kill() {
    this.#process.kill();
  }
}

/** Runs a program to its end and returns its lines of JSON. */
export function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let errors = '';
    child.stdout.on('data', (text) => (out += text));
    child.stderr.on('data', (text) => (errors += text));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0) reject(new Error(`${command} ${args.join(' ')} failed: ${errors.trim().slice(-2000)}`));
      else
        resolve(
          out
            .split('\n')
            .filter((line) => line.startsWith('{'))
            .map((line) => JSON.parse(line)),
        );
    });
  });
}
