import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url));
/** Outside of what git sees. */
const FOLDER = fileURLToPath(new URL('../../../../node_modules/.cache/dataref-servers', import.meta.url));
const INSTALL_MS = 10 * 60_000;

/**
 * Path of a Python that has the servers of requirements.txt, installed by the first test that asks: a minute, once.
 * @throws where there is no Python with venv, or its packages cannot be had
 */
export async function pythonWithServers(): Promise<string> {
  while (!isInstalled()) {
    const unlock = lock();
    if (unlock === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      continue;
    }
    try {
      if (!isInstalled()) await install();
    } finally {
      unlock();
    }
  }
  return join(FOLDER, 'bin/python');
}

function isInstalled(): boolean {
  const installed = join(FOLDER, 'installed.txt');
  return existsSync(installed) && readFileSync(installed, 'utf8') === readFileSync(REQUIREMENTS, 'utf8');
}

async function install(): Promise<void> {
  console.info(`installing the servers of ${REQUIREMENTS} into ${FOLDER}: this takes a minute`);
  const draft = `${FOLDER}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  await run(process.env['PYTHON'] ?? 'python3', ['-m', 'venv', draft], { timeout: INSTALL_MS });
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', REQUIREMENTS];
  await run(join(draft, 'bin/python'), pip, { timeout: INSTALL_MS });
  writeFileSync(join(draft, 'installed.txt'), readFileSync(REQUIREMENTS));
  rmSync(FOLDER, { recursive: true, force: true });
  renameSync(draft, FOLDER);
}

/** Test files run side by side, and one of them installs. @returns what unlocks; undefined while another has the lock */
function lock(): (() => void) | undefined {
  const path = `${FOLDER}.lock`;
  mkdirSync(dirname(path), { recursive: true });
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return () => rmSync(path, { force: true });
  } catch {
    if (!isRunning(path)) rmSync(path, { force: true });
    return undefined;
  }
}

function isRunning(path: string): boolean {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    if (pid > 0) process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
