import { spawn, type ChildProcess } from 'node:child_process';
import { shown } from '@dataref/core/adapter';

/** Of what a process said at last, for messages: mpirun says much after the words of a rank that has died. */
const TAIL_CHARACTERS = 4000;
/** Lines of native stacks, V8's and those of Open MPI's own crashes, which push what was said before them out of the tail. */
const NATIVE_FRAMES = /^(?:[ \t]*\d+: 0x|\[[^\]\n]*\] \[ *\d+\] ).*$/gmu;

/** A process that was started, and what became of it. */
export interface Child {
  readonly process: ChildProcess;
  /** Why it ended: its exit code or signal, and what it said at last. Never rejects. */
  readonly ended: Promise<string>;
  /** From now on its stderr is shown as this process's own. */
  showErrors(): void;
}

/** Starts a program with pipes for its stdin and stdout. */
export function startChild(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Child {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env });
  child.stdin.on('error', () => undefined); // its exit tells
  let said = '';
  let isShown = false;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4 * TAIL_CHARACTERS);
    if (isShown) process.stderr.write(text);
  });
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`${command} could not be started: ${error.message}`));
    child.on('close', (code, signal) => {
      const words = said.replace(NATIVE_FRAMES, '').trim().replace(/\s+/gu, ' ').slice(-TAIL_CHARACTERS);
      const last = words === '' ? '' : `: ${shown(words, TAIL_CHARACTERS)}`;
      resolve(`${command} ended with ${signal ?? `exit code ${code}`}${last}`);
    });
  });
  return { process: child, ended, showErrors: () => (isShown = true) };
}
