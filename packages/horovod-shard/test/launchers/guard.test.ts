import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { tempFolder } from '../../../core/test/temp-folder.js';

const GUARD = fileURLToPath(new URL('guard.mjs', import.meta.url));

test('what a killed process has started ends, in other sessions too, and its folder is gone', async () => {
  const folder = tempFolder();
  // Starts a guard, and a process in a session of its own that holds our stdout; says so, and waits to be killed.
  const program = `
    const { spawn } = require('node:child_process');
    const guard = spawn(process.execPath, [${JSON.stringify(GUARD)}, 'MARK=guard-test-' + process.pid], {
      detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    guard.stdin.write(${JSON.stringify(`${folder}\n`)}, () => {
      const env = { ...process.env, MARK: 'guard-test-' + process.pid };
      const wait = "console.log('started'); setInterval(() => {}, 1000)";
      spawn('setsid', [process.execPath, '-e', wait], { detached: true, env, stdio: ['ignore', 'inherit', 'ignore'] });
    });
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  // Closed when nobody holds it any more.
  await once(child.stdout.resume(), 'close');
  while (existsSync(folder)) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(child.signalCode).toBe('SIGKILL');
});
