import { fileURLToPath } from 'node:url';
import { DataRefError } from '@dataref/core';
import { countOf, describeValue, optionsOf, refuseUnknown } from '@dataref/core/adapter';
import type { Hardware, Workforce, WorkforceOptions } from '../hardware.js';
import { startChild, type Child } from './child.js';
import { Link } from './link.js';
import { Links } from './links.js';

const WORKER_MAIN = fileURLToPath(new URL('./worker-main.js', import.meta.url));
/** A host that does not answer, or not any more, is told, and no password is asked for. */
const DEFAULTS = ['BatchMode=yes', 'ConnectTimeout=20', 'ServerAliveInterval=15', 'ServerAliveCountMax=4'];

export interface SshOptions {
  /** `host` or `user@host`, as ssh has it, names of `~/.ssh/config` too. */
  readonly host: string;
  /** Processes there. Default: 1. */
  readonly workers?: number | undefined;
  /** Arguments of ssh besides: `['-p', '2222', '-i', key]`. */
  readonly args?: readonly string[] | undefined;
  /** Node there. Default: `node`. */
  readonly node?: string | undefined;
}

/**
 * Processes on another machine, through the system's `ssh`, which must let this user in without a password. The machine has
 * this package, the module and what is stored in folders at the same paths.
 * @throws DataRefError INVALID_ARGUMENT
 */
export function ssh(options: SshOptions): Hardware {
  const { host, workers: given = 1, args = [], node = 'node', ...unknown } = optionsOf('ssh', options);
  refuseUnknown('ssh', unknown, ['host', 'workers', 'args', 'node']);
  if (typeof host !== 'string' || host === '' || host.startsWith('-'))
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `ssh: host must be a name, as 'me@worker-1', got ${describeValue(host)}`,
    );
  if (!Array.isArray(args) || args.some((arg) => typeof arg !== 'string'))
    throw new DataRefError('INVALID_ARGUMENT', `ssh: args must be a list of strings, got ${describeValue(args)}`);
  const workers = countOf('ssh: workers', given, 1);
  // Tasks and answers go by descriptors of their own: functions, and programs of theirs, read nothing from stdin, and print to stderr.
  // sshd ends a session when nobody holds its stderr any more: programs that a worker leaves behind are ended with it.
  const script = 'trap : TERM; "$0" "$1" 3>&1 1>&2 4<&0 </dev/null; code=$?; kill 0; exit $code';
  const command = `exec sh -c ${quoted(script)} ${quoted(node)} ${quoted(WORKER_MAIN)}`;
  const flags = [...args, ...DEFAULTS.flatMap((option) => ['-o', option]), '-T', '--', host, command];
  return { kind: 'ssh', workers, isInProcess: false, open: (workforce) => openSsh(host, flags, workers, workforce) };
}

async function openSsh(
  host: string,
  flags: readonly string[],
  workers: number,
  { env }: WorkforceOptions,
): Promise<Workforce> {
  const links = new Links();
  const children = new Set<Child>();
  let isClosing = false;
  /** Resolves once the worker is ready. */
  const start = (): Promise<void> => {
    const child = startChild('ssh', flags);
    const { stdin, stdout } = child.process;
    children.add(child);
    return new Promise((resolve, reject) => {
      let isReady = false;
      const onReady = (): void => {
        isReady = true;
        child.showErrors();
        links.add(link);
        resolve();
      };
      const link: Link = new Link(stdout!, stdin!, env, onReady, () => child.process.kill());
      void child.ended.then((why) => {
        children.delete(child);
        const died = new DataRefError('WORKER_DIED', `ssh: ${host}: ${why}`);
        link.ended(died.message);
        reject(died);
        if (isReady && !isClosing) start().catch((error: unknown) => links.fail(error));
      });
    });
  };
  const close = async (): Promise<void> => {
    isClosing = true;
    const ending = Array.from(children, ({ process, ended }) => {
      process.kill(); // its worker ends with its stdin
      return ended;
    });
    await Promise.all(ending);
  };
  const started = await Promise.allSettled(Array.from({ length: workers }, start));
  const failed = started.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined;
  if (failed !== undefined) {
    await close();
    throw failed.reason;
  }
  return { run: (task, signal) => links.run(task, signal), close };
}

/** As a shell there reads it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
