// Horovod's own launcher with workers of Node: `bash .ci/horovod.sh`, which builds it and says where it is.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { expectTrained } from '../elastic/training.js';

const HOROVODRUN = fileURLToPath(new URL('horovodrun.py', import.meta.url));
const STATIC = fileURLToPath(new URL('static.mjs', import.meta.url));
const ELASTIC = fileURLToPath(new URL('../elastic/worker.mjs', import.meta.url));
const python = process.env['DATAREF_HOROVOD_PYTHON'];
if (python === undefined) throw new Error('DATAREF_HOROVOD_PYTHON: no Python with Horovod; run .ci/horovod.sh');

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dataref-horovod-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function horovodrun(words: readonly string[], env: Record<string, string> = {}) {
  const launcher = spawn(python as string, [HOROVODRUN, '--gloo', ...words], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, errors, [status]] = await Promise.all([
    text(launcher.stdout),
    text(launcher.stderr),
    once(launcher, 'close') as Promise<[number]>,
  ]);
  console.info(`horovodrun ${words.slice(0, -3).join(' ')}\n${output}`);
  return { status, output, errors };
}

/** An elastic job over what `hosts` has, which workers may change. */
async function elastic(hosts: readonly string[], numProc: number, env: Record<string, string>) {
  const discovery = join(folder, 'discover.sh');
  writeFileSync(join(folder, 'hosts'), `${hosts.join('\n')}\n`);
  writeFileSync(discovery, `#!/bin/sh\ncat '${join(folder, 'hosts')}'\n`);
  chmodSync(discovery, 0o755);
  const counts = ['-np', String(numProc), '--min-np', '2', '--max-np', '4', '--network-interface', 'lo'];
  return horovodrun([...counts, '--host-discovery-script', discovery, process.execPath, ELASTIC, folder], env);
}

test('static: four workers find each other through the launcher alone', async () => {
  const { status, output } = await horovodrun(['-np', '4', '-H', 'localhost:4', process.execPath, STATIC]);
  for (let rank = 0; rank < 4; rank++) expect(output).toContain(`horovod: rank ${rank} of 4, ranks 0 1 2 3, sum 6`);
  expect(status).toBe(0);
});

// Of a host whose worker has died Horovod stops the others too.
test('elastic: rank 0 is killed: the other host goes on from the checkpoint, and each record is seen once', async () => {
  const { status, output } = await elastic(['localhost:2', '127.0.0.1:2'], 4, { DIE: '0:7' });
  expect(output).toContain('rank 0 of 2 from step 6');
  expect(status).toBe(0);
  await expectTrained(folder);
});

test('elastic: a rank other than 0 is killed, alike', async () => {
  const { status, output } = await elastic(['localhost:2', '127.0.0.1:2'], 4, { DIE: '3:11' });
  expect(output).toContain('rank 0 of 2 from step 9');
  expect(status).toBe(0);
  await expectTrained(folder);
});

test('elastic: hosts are added: the ranks stop at one step, and go on from there with the new ones', async () => {
  const { status, output } = await elastic(['localhost:2'], 2, { GROW: '7;localhost:2,127.0.0.1:2' });
  for (const worker of ['localhost:0', 'localhost:1', '127.0.0.1:0', '127.0.0.1:1'])
    expect(output).toMatch(new RegExp(`\\[${worker}\\] rank \\d of 4 from step 8`, 'u'));
  expect(status).toBe(0);
  await expectTrained(folder);
});

test('elastic: a host is taken away: its workers end in good order, and the others go on', async () => {
  const { status, output } = await elastic(['localhost:2', '127.0.0.1:2'], 4, { GROW: '7;127.0.0.1:2' });
  expect(output).toContain('[localhost:0] ends: removed');
  expect(output).toContain('[localhost:1] ends: removed');
  expect(output).toContain('[127.0.0.1:0] rank 0 of 2 from step 8');
  expect(status).toBe(0);
  await expectTrained(folder);
});
