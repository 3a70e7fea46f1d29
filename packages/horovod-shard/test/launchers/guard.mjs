// Ends what a test has started and left behind: waits until its stdin ends, as it does however the test's process dies, then
// kills every process that has MARKER in its environment, in whatever group or session, and takes away the folders that
// were named on stdin, a line each.
// usage: guard.mjs MARKER
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const [marker] = process.argv.slice(2);
let folders = '';
for await (const text of process.stdin.setEncoding('utf8')) folders += text;

// Until none is left: one may start another meanwhile.
for (let left = marked(); left.length > 0; left = marked()) {
  for (const pid of left) kill(pid);
  await pause(50);
}
for (const folder of folders.split('\n').filter(Boolean)) rmSync(folder, { recursive: true, force: true });

/** @returns the numbers of the processes that still run */
function marked() {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/u.test(name) && Number(name) !== process.pid);
  return pids.map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(marker);
    } catch {
      return false; // it has ended, or is another user's
    }
  });
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
