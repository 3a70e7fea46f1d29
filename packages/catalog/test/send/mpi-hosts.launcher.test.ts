// Hostfiles with several machines, as far as one machine can be several: addresses of the loopback, each reached through a real sshd.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { local, mpi, send, type MpiOptions } from '@dataref/catalog';
import { announceSeed } from '../../../core/test/scale.js';
import { tempFolder } from '../../../core/test/temp-folder.js';
import { launchedSuite } from './launched-suite.js';
import { MARK } from './marked-processes.js';
import { MODULE as module, partsOf, recordsOf, storedRecords, theSent } from './sent.js';
import { startSshServer } from './ssh-server.js';

const seed = announceSeed('catalog/send/mpi-hosts');
const server = await startSshServer();
afterAll(() => server.close());
const files = tempFolder();
const HOSTS = ['127.0.0.2', '127.0.0.3'];

/** What mpirun starts in place of ssh. */
const agent = join(files, 'agent');
writeFileSync(agent, `#!/bin/sh\nexec ssh ${server.args.map((arg) => `'${arg}'`).join(' ')} "$@"\n`, { mode: 0o755 });

function hostfile(name: string, lineOf: (host: string) => string): string {
  const path = join(files, name);
  writeFileSync(path, HOSTS.map((host) => `${lineOf(host)}\n`).join(''));
  return path;
}

const LAUNCHERS: [string, MpiOptions][] = [
  [
    'Open MPI',
    {
      np: 4,
      mpirun: 'mpirun.openmpi',
      hostfile: hostfile('openmpi', (host) => `${host} slots=2`),
      args: `--allow-run-as-root --mca mpi_yield_when_idle 1 --mca oob_tcp_if_include lo --mca plm_rsh_agent ${agent} -x ${MARK}`.split(
        ' ',
      ),
    },
  ],
  [
    'MPICH',
    {
      np: 4,
      mpirun: 'mpirun.mpich',
      hostfile: hostfile('mpich', (host) => `${host}:2`),
      args: ['-launcher', 'ssh', '-launcher-exec', agent],
    },
  ],
];

for (const [name, options] of LAUNCHERS) {
  describe(`mpirun of ${name} on two addresses of the loopback, each through sshd`, () => {
    test('has ranks on both', async () => {
      const connection = send({ module, export: 'environment', hardware: mpi(options) });
      const seen = (await connection.repeat(16, 'SSH_CONNECTION')) as string[];
      expect(new Set(seen.map((text) => text.split(' ')[2]))).toEqual(new Set(HOSTS));
    });

    test('gives a dataset that is the same to the byte as on threads', async () => {
      const { folder, storage, data } = await storedRecords(160);
      const seen: unknown[] = [];
      for (const hardware of [local({ workers: 2 }), mpi(options)]) {
        const made = await send({ module, export: 'double', hardware, recordsPerShare: 16 })(data);
        const { id, version } = await theSent(storage);
        seen.push([made.fingerprint, await recordsOf(made), partsOf(folder, version)]);
        await storage.delete(id, version);
      }
      expect(seen[1]).toEqual(seen[0]);
    });
  });

  launchedSuite(`mpirun of ${name} on two addresses of the loopback`, { kind: 'mpi', options }, seed, 6);
}
