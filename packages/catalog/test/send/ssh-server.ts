import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../../../core/test/free-port.js';
import { tempFolder } from '../../../core/test/temp-folder.js';
import { MARK } from './marked-processes.js';

const SSHD = '/usr/sbin/sshd';

/** Addresses of the loopback that sshd listens at. */
export const ADDRESSES = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];

/** A real sshd on a port of the loopback, with keys of its own, that lets this user in by another. */
export interface SshServer {
  readonly host: string;
  /** For ssh: how it gets there. */
  readonly args: readonly string[];
  close(): Promise<void>;
}

export async function startSshServer(): Promise<SshServer> {
  const folder = tempFolder();
  for (const name of ['host', 'user']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
  }
  const port = await freePort();
  const publicKey = execFileSync('ssh-keygen', ['-y', '-f', join(folder, 'user')], { encoding: 'utf8' });
  const hostKey = execFileSync('ssh-keygen', ['-y', '-f', join(folder, 'host')], { encoding: 'utf8' });
  writeFileSync(join(folder, 'authorized'), publicKey, { mode: 0o600 });
  writeFileSync(join(folder, 'known'), `[127.0.0.*]:${port} ${hostKey}`);
  const config = [
    `Port ${port}`,
    ...ADDRESSES.map((address) => `ListenAddress ${address}`),
    `HostKey ${join(folder, 'host')}`,
    `AuthorizedKeysFile ${join(folder, 'authorized')}`,
    `PidFile ${join(folder, 'pid')}`,
    'StrictModes no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'UsePAM no',
    `AcceptEnv ${MARK} NODE_OPTIONS`,
    'MaxStartups 100',
  ];
  writeFileSync(join(folder, 'config'), `${config.join('\n')}\n`);
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true }); // where sshd leaves its privileges
  const server = spawn(SSHD, ['-D', '-e', '-f', join(folder, 'config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  await listening(server);
  return {
    host: `${userInfo().username}@127.0.0.1`,
    args: [
      '-F',
      'none',
      '-p',
      `${port}`,
      '-i',
      join(folder, 'user'),
      '-o',
      `UserKnownHostsFile=${join(folder, 'known')}`,
      '-o',
      `SendEnv=${MARK} NODE_OPTIONS`,
    ],
    async close() {
      const ended = once(server, 'exit');
      server.kill();
      await ended;
    },
  };
}

async function listening(server: ChildProcess): Promise<void> {
  const failed = once(server, 'error').then(([cause]) => {
    throw new Error(`${SSHD} is not there: apt-get install openssh-server`, { cause });
  });
  const lines: string[] = [];
  const heard = (async () => {
    for await (const line of createInterface({ input: server.stderr! })) {
      lines.push(line);
      if (line.includes('Server listening')) return;
    }
    throw new Error(`sshd ended: ${lines.join('\n')}`);
  })();
  await Promise.race([heard, failed]);
  server.stderr!.resume();
}
