import { afterAll, expect, test } from '@jest/globals';
import { send, ssh } from '@dataref/catalog';
import { failure } from '../../../core/test/expect-error.js';
import { announceSeed } from '../../../core/test/scale.js';
import { hardwareSuite, largeSuite } from './hardware-suite.js';
import { launchedSuite } from './launched-suite.js';
import { MODULE as module } from './sent.js';
import { startSshServer } from './ssh-server.js';

const server = await startSshServer();
const { host, args } = server;
afterAll(() => server.close());
const node = process.execPath;

const seed = announceSeed('catalog/send/ssh');

hardwareSuite('ssh', (workers) => ssh({ host, args, node, workers }), seed);
largeSuite('ssh', ssh({ host, args, node }));
launchedSuite('ssh', { kind: 'ssh', options: { host, args, node, workers: 2 } }, seed);

test('ssh refuses no host, and what ssh would take for an option', () => {
  expect(() => ssh({ host: '' })).toThrow(failure('INVALID_ARGUMENT', /ssh: host must be a name/));
  expect(() => ssh({ host: '-oProxyCommand=x' })).toThrow(failure('INVALID_ARGUMENT', /ssh: host must be a name/));
});

test.each([
  [
    'nobody listens',
    { args: ['-F', 'none', '-p', '1'] },
    /ssh: .*127\.0\.0\.1: ssh ended with exit code 255: .*refused/,
  ],
  [
    'has no such name',
    { host: 'no-such-host.invalid' },
    /ssh: no-such-host\.invalid: ssh ended with exit code 255: .*resolve/,
  ],
  [
    'is not the one that is known',
    { args: ['-o', 'UserKnownHostsFile=/dev/null', ...args] },
    /Host key verification failed/,
  ],
  ['does not let this user in', { args: args.filter((_, i) => i < 4 || i > 5) }, /Permission denied/],
  ['has no Node there', { node: '/no/such/node' }, /exit code 12[67]: .*\/no\/such\/node/],
])('a host that cannot be used is told: %s', async (_, options, message) => {
  const hardware = ssh({ host, args, node, workers: 2, ...options });
  await expect(send({ module, export: 'add', hardware })(1)).rejects.toEqual(failure('WORKER_DIED', message));
});
